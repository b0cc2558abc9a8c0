"""A relay for UDP that loses, doubles, delays and reorders what passes, the same way for one seed.

::

    near party  ──►  near_side [relay] far_side  ──►  far party

Each party takes the relay for the other one. With a fixed ``near`` it works before the near party
has sent anything; otherwise every source that sends to ``near_side`` gets a far side of its own.
"""

import heapq
import itertools
import random
import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

Address = tuple[str, int]

_PATIENCE_S: Final = 0.02
_MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Faults:
    """What happens to datagrams that go one way.

    Attributes:
        loss: Share that is lost, in [0, 1].
        duplicates: Share that comes twice, the second after a delay of its own.
        reorder: Share that is held back by ``hold_s``, so that later ones overtake it.
        hold_s: How long these are held. [s]
        delay_s: Delay of all. [s]
        jitter_s: Most that is added to the delay, evenly spread. Datagrams overtake each other
            where it is longer than their distance. [s]
    """

    loss: float = 0.0
    duplicates: float = 0.0
    reorder: float = 0.0
    hold_s: float = 0.05
    delay_s: float = 0.0
    jitter_s: float = 0.0

    def fate(self, chance: random.Random) -> list[float]:
        """Return the delays of the copies of the next datagram: none of one that is lost. [s]"""
        lost, twice, held = (chance.random() for _ in range(3))
        delays_s = [self.delay_s + self.jitter_s * chance.random() for _ in range(2)]
        if held < self.reorder:
            delays_s[0] += self.hold_s
        if lost < self.loss:
            return []
        return delays_s if twice < self.duplicates else delays_s[:1]


@dataclass(slots=True)
class Way:
    """One direction of a relay.

    Attributes:
        faults: What happens on it; may be changed at any time.
        counts: Datagrams that ``came``, were ``lost``, and the ``copies`` sent on.
    """

    faults: Faults
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)


class Relay:
    """Passes datagrams between two parties, on a thread; a context manager.

    Args:
        far: Address of the far party.
        near: Address of the near party; None: whoever sends to ``near_side``.
        to_far: What happens on the way to the far party.
        to_near: What happens on the way back.
        seed: Fixes which datagrams meet which fault.
        host: Address that both sides are bound to.
    """

    def __init__(
        self,
        far: Address,
        *,
        near: Address | None = None,
        to_far: Faults = Faults(),
        to_near: Faults = Faults(),
        seed: int = 1,
        host: str = "127.0.0.1",
    ) -> None:
        self.to_far = Way(to_far, random.Random(f"{seed} to far"))
        self.to_near = Way(to_near, random.Random(f"{seed} to near"))
        self._far, self._host = far, host
        self._near_socket = self._bind()
        self._spare: socket.socket | None = self._bind()
        self.near_side: Address = self._near_socket.getsockname()
        self.far_side: Address = self._spare.getsockname()
        self._far_sockets: dict[Address, socket.socket] = {}
        self._near_of: dict[socket.socket, Address] = {}
        self._late: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        if near:
            self._far_socket_of(near)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        for one in {self._near_socket, self._spare, *self._far_sockets.values()} - {None}:
            assert one
            one.close()

    @property
    def is_holding(self) -> bool:
        """Whether anything is still under way."""
        return bool(self._late)

    def _run(self) -> None:
        while not self._over.is_set():
            pause_s = self._late[0][0] - time.monotonic() if self._late else _PATIENCE_S
            sockets = [self._near_socket, *self._far_sockets.values()]
            ready, _, _ = select.select(sockets, [], [], min(max(pause_s, 0.0), _PATIENCE_S))
            for one in ready:
                self._take(one)
            self._send_due()

    def _take(self, one: socket.socket) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram, source = one.recvfrom(65536)
            except ConnectionError:
                continue
            except BlockingIOError:
                return
            if one is self._near_socket:
                self._pass(self.to_far, self._far_socket_of(source), datagram, self._far)
            else:
                self._pass(self.to_near, self._near_socket, datagram, self._near_of[one])

    def _pass(self, way: Way, out: socket.socket, datagram: bytes, to: Address) -> None:
        delays_s = way.faults.fate(way.chance)
        way.counts["came"] += 1
        way.counts["lost"] += not delays_s
        way.counts["copies"] += len(delays_s)
        for delay_s in delays_s:
            due_s = time.monotonic() + delay_s
            heapq.heappush(self._late, (due_s, next(self._numbers), out, datagram, to))

    def _send_due(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            _, _, out, datagram, to = heapq.heappop(self._late)
            try:
                out.sendto(datagram, to)
            except (BlockingIOError, ConnectionError):
                continue  # as a network does

    def _far_socket_of(self, near: Address) -> socket.socket:
        known = self._far_sockets.get(near)
        if known is None:
            known, self._spare = self._spare or self._bind(), None
            self._far_sockets[near] = known
            self._near_of[known] = near
        return known

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        bound.bind((self._host, 0))
        bound.setblocking(False)
        return bound
