"""Recording and analysis in every switch of a pool: two calls, each across two processes."""

from pathlib import Path

from engine.config import EngineSettings, SipSettings, StoreSettings
from engine.domain.analysis import AnalysisSpec
from engine.domain.ids import LegId, RecordingId
from engine.ports import RecorderEvent, RecordingEnded
from engine.runtime.recording_setup import setup_of
from engine.telephony.media import MediaSettings
from engine.telephony.media.events import LegAnalysed
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from engine.telephony.recording.library import Library
from tests.integration.media.test_pool import Houses
from tests.integration.media.test_switch import on_uvloop, ticks, until
from tests.integration.recording.studio import CountingPhone, numbers
from tests.support.rtp import Phones

IDS = tuple(LegId(name) for name in ("customer-0", "customer-1", "agent-1", "agent-0"))
LOWEST_HZ = (300.0, 300.0, 2000.0, 2000.0)


def test_the_recorder_has_a_ring_for_every_switch(tmp_path: Path) -> None:
    settings = EngineSettings(
        sip=SipSettings(media_processes=3), store=StoreSettings(url=f"sqlite:{tmp_path}/cell.db")
    )
    setup = setup_of(settings)
    assert setup is not None
    assert setup.rings == 3


def test_calls_across_switches_are_recorded_and_analysed_where_their_customer_is(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        told: list[RecorderEvent] = []
        folder = tmp_path / "calls"
        recorder = RecorderClient(RecorderSetup(folder, None, "wav", rings=2))
        await recorder.start(told.append)
        settings = MediaSettings(
            ports=8, most_legs=64, processes=2, standby=False, rings=recorder.rings
        )
        at = Houses(settings)
        await at.client.start()
        phones = [CountingPhone(lowest_hz) for lowest_hz in LOWEST_HZ]
        try:
            for leg_id, phone in zip(IDS, phones, strict=True):
                at.join(leg_id, phone)
            # Customers in the first and second switch, their agents in the other one.
            assert [at.client.switch_of(leg_id) for leg_id in IDS] == [0, 1, 0, 1]
            at.client.mix({IDS[0]: (IDS[3],), IDS[3]: (IDS[0],)})
            at.client.mix({IDS[1]: (IDS[2],), IDS[2]: (IDS[1],)})
            with Phones(phones):
                await ticks(phones, 10)
                keys = []
                for place in (0, 1):
                    keys.append(recorder.open(RecordingId(f"take-{place}"), {}))
                    at.client.record(IDS[place], keys[place])
                    at.client.analyse(IDS[place], AnalysisSpec(limit_s=1.0))
                await ticks(phones, 100)
                for place, key in enumerate(keys):
                    at.client.stop_recording(IDS[place])
                    recorder.close(key)
                await until(lambda: len([e for e in told if isinstance(e, RecordingEnded)]) == 2)
                await until(lambda: len(at.told(LegAnalysed)) == 2)
        finally:
            await at.client.stop()
            await recorder.stop()
        ended = [event for event in told if isinstance(event, RecordingEnded)]
        analysed = [event for event in at.events if isinstance(event, LegAnalysed)]
        assert {event.leg_id for event in analysed} == set(IDS[:2])
        assert {event.recording_id for event in ended} == {"take-0", "take-1"}
        for event in ended:
            with Library(folder, None).open(event.file_name) as reading:
                samples = next(iter(reading.pcm(0, 60_000)))
            for track, lowest_hz in ((0, 300.0), (1, 2000.0)):
                heard = [n for n in numbers(samples[:, track], lowest_hz) if n >= 0]
                assert len(heard) > 40

    on_uvloop(scenario)
