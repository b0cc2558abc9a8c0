"""A real switch tells what answered, and its death leaves no question without an answer."""

import os
import signal

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.ids import LegId
from engine.telephony.media import BeepAwaited, LegAnalysed, MediaPool, MediaSettings, SwitchLost
from tests.integration.media.test_switch import (
    AGENT,
    CUSTOMER,
    OTHER,
    SUPERVISOR,
    House,
    house,
    on_uvloop,
    until,
)
from tests.support.rtp import Phones, RtpPhone


def verdicts(at: House) -> dict[LegId, Verdict]:
    return {event.leg_id: event.verdict for event in at.events if isinstance(event, LegAnalysed)}


def test_a_fax_machine_and_silence_are_told_apart_over_rtp() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(2100), RtpPhone(0), RtpPhone(1100, a_law=True), RtpPhone(1000)]
        names = (AGENT, CUSTOMER, OTHER, SUPERVISOR)
        async with house() as at:
            for leg_id, phone in zip(names, phones, strict=True):
                at.join(leg_id, phone)
            with Phones(phones):
                await until(lambda: all(phone.sending for phone in phones))
                for leg_id in (AGENT, CUSTOMER, OTHER):
                    at.client.analyse(leg_id, AnalysisSpec(initial_silence_s=1.0))
                at.client.await_beep(SUPERVISOR, 60.0)
                await until(lambda: len(verdicts(at)) == 3)
                phones[3].hz = 0.0
                await until(lambda: BeepAwaited(SUPERVISOR, heard=True) in at.events)
        expected = {AGENT: Verdict.FAX, CUSTOMER: Verdict.SILENCE, OTHER: Verdict.FAX}
        assert verdicts(at) == expected

    on_uvloop(scenario)


def test_an_analysis_whose_switch_dies_is_undecided_and_a_tone_is_still_waited_for() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(0), RtpPhone(0)]
        async with house() as at:
            for leg_id, phone in zip((AGENT, CUSTOMER), phones, strict=True):
                at.join(leg_id, phone)
            with Phones(phones):
                at.client.analyse(AGENT, AnalysisSpec(limit_s=60.0, initial_silence_s=60.0))
                at.client.await_beep(CUSTOMER, 2.5)
                assert at.client.pid
                os.kill(at.client.pid, signal.SIGKILL)
                await until(lambda: bool(verdicts(at)))
                assert SwitchLost() in at.events
                assert verdicts(at) == {AGENT: Verdict.UNDECIDED}
                await until(lambda: BeepAwaited(CUSTOMER, heard=False) in at.events)

    on_uvloop(scenario)


def test_a_pool_brings_the_question_to_the_switch_that_has_the_leg() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(2100), RtpPhone(2100)]
        settings = MediaSettings(ports=4, most_legs=64, standby=False, processes=2)
        at = House(settings)
        pool = MediaPool(settings, at.events.append)
        await pool.start()
        try:
            for leg_id, phone in zip((AGENT, CUSTOMER), phones, strict=True):
                endpoint = pool.allocate(leg_id)
                phone.call(endpoint.host, endpoint.port)
                pool.connect(leg_id, phone.host, phone.port)
            with Phones(phones):
                pool.analyse(AGENT, AnalysisSpec(limit_s=5.0))
                pool.await_beep(CUSTOMER, 0.2)
                await until(lambda: verdicts(at) == {AGENT: Verdict.FAX})
                await until(lambda: BeepAwaited(CUSTOMER, heard=False) in at.events)
        finally:
            await pool.stop()

    on_uvloop(scenario)
