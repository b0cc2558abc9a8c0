"""Invariant P5 on real sockets: who sends to all our ports changes nothing and hears nothing.

The injector knows the ports, the payload types and, if it is lucky, the SSRCs. It sends before a
leg is connected, as it is, and during the talk, from another address than the parties'.
"""

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from engine.telephony.media import LegHeard, LegQuality
from engine.telephony.media.rtcp import Block, goodbye, receiver_report, sender_report
from tests.integration.media.test_switch import (
    AGENT,
    CUSTOMER,
    OTHER,
    SUPERVISOR,
    House,
    foreign,
    house,
    on_uvloop,
    settle,
    ticks,
)
from tests.support.rtp import Phones, RtpPhone, encode, tone_levels

INJECTOR = "127.0.0.99"
FOUR = (AGENT, CUSTOMER, SUPERVISOR, OTHER)
BANK = tuple(float(hz) for hz in range(400, 800, 100))


class Injector:
    """Sends a loud tone and false reports to many ports from a few of its own, on a thread."""

    def __init__(self, ports: Sequence[int], ssrcs: Sequence[int]) -> None:
        self.ports, self.ssrcs = list(ports), list(ssrcs)
        self.reports: list[int] = []
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._sockets = [_bound() for _ in range(3)]
        wave = np.where(np.arange(160) // 4 % 2, 12_000.0, -12_000.0)
        self._payload = encode(wave, a_law=False)
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextlib.contextmanager
    def at_work(self) -> Iterator["Injector"]:
        """Inject while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()

    def heard(self) -> list[bytes]:
        """Return whatever was sent to it; close it."""
        got = []
        for one in self._sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    got.append(one.recv(2048))
            one.close()
        return got

    def _run(self) -> None:
        while not self._over.wait(0.005):
            number = next(self._numbers)
            kind = (0, 8, 101, 13)[number % 4]
            for port, ssrc in itertools.product(self.ports, (*self.ssrcs, 4242)):
                head = struct.pack("!BBHII", 0x80, kind, number & 0xFFFF, number * 160, ssrc)
                self._say(number, head + self._payload, port)
            for port, ssrc in itertools.product(self.reports, self.ssrcs):
                lie = Block(ssrc, ssrc, 255, 100_000, 1 << 30, 1 << 30, 1, 1)
                for octets in (
                    goodbye(ssrc),
                    receiver_report(ssrc, lie),
                    sender_report(ssrc, 1.0, 0, 0, lie),
                ):
                    self._say(number, octets, port)

    def _say(self, number: int, octets: bytes, port: int) -> None:
        with contextlib.suppress(OSError):
            self._sockets[number % len(self._sockets)].sendto(octets, ("127.0.0.1", port))


def _bound() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((INJECTOR, 0))
    bound.setblocking(False)
    return bound


def join(at: House, phones: Sequence[RtpPhone], ports: Sequence[int], learns: bool) -> None:
    for leg_id, phone, port in zip(FOUR, phones, ports, strict=True):
        phone.call("127.0.0.1", port)
        learn_from = "127.0.0.1" if learns else None
        at.client.connect(leg_id, phone.host, phone.port, event_type=101, learn_from=learn_from)
    at.client.mix({FOUR[n]: (FOUR[n ^ 1],) for n in range(4)})


@pytest.mark.parametrize("learns", [False, True], ids=["legs of trunks", "legs of phones"])
def test_an_injector_changes_nothing_and_hears_nothing(learns: bool) -> None:
    async def scenario() -> None:
        phones = [RtpPhone(hz) for hz in BANK]
        async with house() as at:
            ports = [at.client.allocate(leg_id, learn=learns).port for leg_id in FOUR]
            own_ports = {phone.port for phone in phones}
            injector = Injector(ports, [phone.ssrc for phone in phones])
            with injector.at_work():
                await asyncio.sleep(0.1)  # before anybody is connected
                injector.reports = [port + 1 for port in ports]
                injector.ssrcs += [leg.ssrc for leg in at.client._legs.values()]
                join(at, phones, ports, learns)
                with Phones(phones):
                    await settle(phones, [{500}, {400}, {700}, {600}])
                    stats = await foreign(at, 1000)
                    await ticks(phones, 40)
                for leg_id in FOUR:
                    at.client.release(leg_id)
                await at.client.stats()
            assert injector.heard() == []
            assert stats.legs == 4
            for phone, other in zip(phones, (500, 400, 700, 600), strict=True):
                assert phone.ever_heard() == {other}
                assert len({frame.source for frame in phone.frames}) == 1
                assert float(tone_levels(phone.frames).max()) < 6_000
            learnt = {event.port for event in at.told(LegHeard) if isinstance(event, LegHeard)}
            assert learnt <= own_ports
            for event in at.told(LegQuality):
                assert isinstance(event, LegQuality)
                assert event.quality.far_lost < 1000
                assert event.quality.far_jitter_ms < 1000
                assert event.quality.lost < 1000

    on_uvloop(scenario)
