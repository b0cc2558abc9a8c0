"""Several switch processes that look like one: real sockets, real time, phones that send tones."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from engine.domain.ids import LegId
from engine.telephony.media import (
    MediaClient,
    MediaEvent,
    MediaPool,
    MediaSettings,
    NoRoomError,
    SwitchLost,
    SwitchRestored,
    UnknownMediaLegError,
    open_media,
)
from engine.telephony.media.pool import switches_of
from tests.integration.media.test_switch import House, on_uvloop, settle, until
from tests.support.load import PATIENCE_S, Load
from tests.support.rtp import Phones, RtpPhone

AGENT, CUSTOMER, SUPERVISOR, OTHER = map(LegId, ("agent", "customer", "supervisor", "other"))


class Houses(House):
    """A pool with its switches, and what it told."""

    client: MediaPool  # type: ignore[assignment]

    def __init__(self, settings: MediaSettings) -> None:
        super().__init__(settings)
        self.client = MediaPool(
            settings, self.events.append, lambda leg_id, pcm: self.audio.append((leg_id, pcm))
        )


@asynccontextmanager
async def houses(**settings: object) -> AsyncIterator[Houses]:
    given = {"ports": 8, "most_legs": 64, "processes": 2, "standby": False, **settings}
    open_houses = Houses(MediaSettings(**given))  # type: ignore[arg-type]  # a test's own settings
    await open_houses.client.start()
    try:
        yield open_houses
    finally:
        await open_houses.client.stop()


def test_supervision_works_across_switches_like_within_one() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(400), RtpPhone(500, a_law=True), RtpPhone(600)]
        async with houses(processes=3, ports=12) as at:
            for leg_id, phone in zip((AGENT, CUSTOMER, SUPERVISOR), phones, strict=True):
                at.join(leg_id, phone)
            ids = (AGENT, CUSTOMER, SUPERVISOR)
            assert {at.client.switch_of(leg_id) for leg_id in ids} == {0, 1, 2}
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            with Phones(phones):
                await settle(phones, [{500}, {400}, set()])
                at.client.mix({SUPERVISOR: (AGENT, CUSTOMER)})
                await settle(phones, [{500}, {400}, {400, 500}])
                at.client.mix({AGENT: (CUSTOMER, SUPERVISOR)})
                await settle(phones, [{500, 600}, {400}, {400, 500}])
                at.client.mix({CUSTOMER: (AGENT, SUPERVISOR)})
                await settle(phones, [{500, 600}, {400, 600}, {400, 500}])
                assert at.client.ghosts == 6
                at.client.play(CUSTOMER, "tone:900:-16", loop=True)
                await settle(phones, [{500, 600}, {400, 600, 900}, {400, 500}])
                at.client.stop_play(CUSTOMER)
                at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,), SUPERVISOR: ()})
                await settle(phones, [{500}, {400}, set()])
                assert at.client.ghosts == 2
                at.client.release(CUSTOMER)
                await settle([phones[0]], [set()])
                assert at.client.ghosts == 0
                at.client.release(AGENT)
                stats = await at.client.stats()
                assert stats.legs == 1

    on_uvloop(scenario)


def test_a_switch_that_dies_leaves_the_calls_of_the_other_alone_and_comes_back(load: Load) -> None:
    async def scenario() -> None:
        phones = [RtpPhone(hz) for hz in (400, 500, 600, 700, 800, 900)]
        ids = [LegId(f"leg-{n}") for n in range(6)]
        async with houses(standby=True) as at:
            for leg_id, phone in zip(ids, phones, strict=True):
                at.join(leg_id, phone)
            assert [at.client.switch_of(leg_id) for leg_id in ids] == [0, 1, 0, 1, 0, 1]
            # 0 and 2 talk in the first switch, 1 and 3 in the second, 4 and 5 across.
            pairs = {0: 2, 2: 0, 1: 3, 3: 1, 4: 5, 5: 4}
            at.client.mix({ids[one]: (ids[other],) for one, other in pairs.items()})
            tones = [{phones[pairs[n]].hz} for n in range(6)]
            with Phones(phones):
                await settle(phones, tones)
                before, since_s = at.client.pids, time.monotonic()
                assert before[0]
                os.kill(before[0], signal.SIGKILL)
                await until(lambda: bool(at.told(SwitchRestored)))
                there_s = time.monotonic() + 0.3
                await until(lambda: all(p.frames[-1].at_s > there_s for p in phones))
                await settle(phones, tones)
                assert at.client.pids[0] not in (None, before[0])
                assert at.client.pids[1] == before[1]
                assert len(at.told(SwitchLost)) == 1
                for one, other in ((1, 3), (3, 1)):
                    # Far longer than a quiet machine needs, far shorter than a start of Python.
                    assert phones[one].longest_gap_s(phones[other].hz, since_s) <= load.allow(0.5)
                    numbers = [f.seq for f in phones[one].frames if f.at_s >= since_s]
                    assert [after - before & 0xFFFF for before, after in pairwise(numbers)] == [
                        1
                    ] * (len(numbers) - 1)

    on_uvloop(scenario)


def test_legs_go_where_there_are_fewest_and_to_another_when_one_is_full() -> None:
    async def scenario() -> None:
        async with houses(most_legs=4) as at:
            ids = [LegId(f"leg-{n}") for n in range(6)]
            ports = {at.client.allocate(leg_id).port for leg_id in ids}
            assert len(ports) > 1
            with pytest.raises(NoRoomError):
                at.client.open_audio(OTHER)
            # No row is left for a ghost: who cannot be heard is not, and nothing fails.
            at.client.mix({ids[0]: (ids[1],)})
            assert at.client.ghosts == 0
            first = at.client.switch_of(ids[0])
            at.client.release(ids[0])
            at.client.release(ids[0])
            await at.client.stats()
            at.client.open_audio(OTHER)
            assert at.client.switch_of(OTHER) == first
            with pytest.raises(ValueError, match="has its place"):
                at.client.open_audio(OTHER)
            with pytest.raises(UnknownMediaLegError):
                at.client.connect(ids[0], "127.0.0.1", 9)
            at.client.stop_play(ids[0])
            at.client.mix({ids[0]: (OTHER,), ids[2]: (ids[0], ids[2])})

    on_uvloop(scenario)


def test_rows_of_ghosts_come_back() -> None:
    async def scenario() -> None:
        async with houses(most_legs=5) as at:
            at.client.allocate(AGENT)
            at.client.allocate(CUSTOMER)
            for _ in range(40):
                at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
                assert at.client.ghosts == 2
                at.client.mix({AGENT: (), CUSTOMER: ()})
                assert at.client.ghosts == 0
                await at.client.stats()
            assert (await at.client.stats()).legs == 2

    on_uvloop(scenario)


def test_an_audio_leg_may_be_in_another_switch() -> None:
    async def scenario() -> None:
        phone = RtpPhone(400)
        async with houses() as at:
            at.join(AGENT, phone)
            at.client.open_audio(SUPERVISOR)
            assert at.client.switch_of(AGENT) != at.client.switch_of(SUPERVISOR)
            at.client.mix({AGENT: (SUPERVISOR,), SUPERVISOR: (AGENT,)})
            wave = (b"\x00\x20" * 5 + b"\x00\xe0" * 5) * 16
            with Phones([phone]):
                async with asyncio.timeout(PATIENCE_S):
                    while 800.0 not in phone.ever_heard() or not at.audio:
                        at.client.send_audio(SUPERVISOR, wave)
                        await asyncio.sleep(0.02)
            assert {leg_id for leg_id, _ in at.audio} == {SUPERVISOR}

    on_uvloop(scenario)


def test_one_process_needs_no_pool_and_none_given_leaves_a_core_to_the_engine() -> None:
    def nothing(_event: MediaEvent) -> None:
        raise AssertionError("nothing has happened yet")

    assert isinstance(open_media(MediaSettings(), nothing, lambda *_: None), MediaClient)
    pool = open_media(MediaSettings(processes=2), nothing, lambda *_: None)
    assert isinstance(pool, MediaPool)
    assert pool.pids == [None, None]
    asyncio.run(pool.stop())
    cores = len(os.sched_getaffinity(0))
    assert (switches_of(0), switches_of(3)) == (max(1, cores - 1), 3)
