"""The way to a worker: datagrams in order, one that does not read, one that is gone."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.telephony import worker_link
from engine.telephony.worker_link import MOST_OCTETS, WorkerLink

WAIT_S = 10.0
LONG = bytes(20_000)


class FakeProcess:
    """A process that ends when it is killed, or when it is told to."""

    pid = 4711

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.killed = False
        self._over = asyncio.Event()
        self.on_kill: Callable[[], None] = lambda: None

    def kill(self) -> None:
        """End by force."""
        if self.returncode is not None:
            raise ProcessLookupError
        self.killed = True
        self.on_kill()
        self.end(-9)

    def end(self, status: int = 0) -> None:
        """End by itself."""
        self.returncode = status
        self._over.set()

    async def wait(self) -> int:
        """Wait for the end."""
        await self._over.wait()
        return self.returncode or 0


class Lab:
    """A link, and the worker's end of its socket."""

    def __init__(self) -> None:
        self.process = FakeProcess()
        ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs.setblocking(False)
        self.process.on_kill = self.theirs.close
        self.heard: list[bytes] = []
        self.lost = 0
        self._news = asyncio.Event()
        self.link = WorkerLink(self.process, ours)
        self.link.listen(self._take, self._on_lost)

    def _take(self, datagram: memoryview) -> None:
        self.heard.append(bytes(datagram))
        self._news.set()

    def _on_lost(self) -> None:
        self.lost += 1
        self._news.set()

    def taken(self) -> Iterator[bytes]:
        """Read as a worker what has come by now."""
        while True:
            try:
                yield self.theirs.recv(MOST_OCTETS)
            except BlockingIOError:
                return

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until what was heard, or lost, is as it should be."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def _lab() -> AsyncIterator[Lab]:
    lab = Lab()
    try:
        yield lab
    finally:
        lab.theirs.close()
        lab.process.end()
        await lab.link.close(WAIT_S)


@pytest.mark.asyncio
async def test_what_is_sent_comes_in_order_and_datagram_by_datagram() -> None:
    async with _lab() as lab:
        lab.link.send(b"one", b"two")
        lab.link.send(b"three")
        assert list(lab.taken()) == [b"one", b"two", b"three"]
        for said in (b"a", b"b", b"c"):
            lab.theirs.send(said)
        await lab.until(lambda: len(lab.heard) == 3)
    assert lab.heard == [b"a", b"b", b"c"]


@pytest.mark.asyncio
async def test_a_worker_that_does_not_read_gets_all_in_order_once_it_does() -> None:
    async with _lab() as lab:
        sent = [bytes([number]) * len(LONG) for number in range(200)]
        lab.link.send(*sent)
        assert lab.link.unsent > 0
        lab.link.send(b"last")  # it waits behind the others, though it were short enough
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            got = [await loop.sock_recv(lab.theirs, MOST_OCTETS) for _ in range(len(sent) + 1)]
        assert got == [*sent, b"last"]
        assert lab.link.unsent == 0


@pytest.mark.asyncio
async def test_a_worker_that_never_reads_is_ended_before_memory_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 50 * len(LONG)
    monkeypatch.setattr(worker_link, "MOST_UNSENT_OCTETS", most)
    async with _lab() as lab:
        held = 0
        while not lab.process.killed:
            lab.link.send(LONG)
            held = max(held, lab.link.unsent)
        assert most // 2 < held <= most
        assert lab.link.unsent == 0
        lab.link.send(b"for nobody")
        assert lab.link.unsent == 0
        await lab.until(lambda: lab.lost > 0)
        assert lab.lost == 1


@pytest.mark.asyncio
async def test_what_a_worker_said_before_it_ended_is_heard_and_its_end_is_told_once() -> None:
    async with _lab() as lab:
        lab.theirs.send(b"last words")
        lab.theirs.close()
        lab.link.send(b"crosses with its end")
        await lab.until(lambda: lab.lost > 0)
        assert lab.heard == [b"last words"]
        lab.link.send(b"afterwards")
        await asyncio.sleep(0)
        assert (lab.lost, lab.link.unsent) == (1, 0)


@pytest.mark.asyncio
async def test_a_worker_whose_words_are_cut_is_ended() -> None:
    async with _lab() as lab:
        lab.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MOST_OCTETS)
        lab.theirs.send(bytes(MOST_OCTETS + 1))
        await lab.until(lambda: lab.lost > 0)
        assert lab.process.killed
        assert lab.heard == []


@pytest.mark.asyncio
async def test_nothing_longer_than_a_datagram_is_sent() -> None:
    async with _lab() as lab:
        with pytest.raises(ValueError, match="datagram"):
            lab.link.send(bytes(MOST_OCTETS + 1))
        lab.link.send(b"short")
        assert list(lab.taken()) == [b"short"]


@pytest.mark.asyncio
async def test_nothing_is_told_after_the_close_and_a_worker_that_does_not_end_is_killed() -> None:
    async with _lab() as lab:
        lab.theirs.send(b"unheard")
        await lab.link.close(0.01)
        assert lab.process.killed
        assert not lab.link.alive
        await lab.link.close(0.01)
        lab.link.kill()
        lab.link.send(b"for nobody")
        assert (lab.heard, lab.lost) == ([], 0)


_ECHO = """
import socket, sys
control = socket.socket(fileno=int(sys.argv[1].removeprefix("--control=")))
control.send(" ".join(sys.argv[2:]).encode())
while said := control.recv(100):
    control.send(said)
"""


@pytest.mark.asyncio
async def test_a_module_is_started_with_its_socket_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "echoing.py").write_text(_ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    link = await WorkerLink.open("echoing", ["--word=1"])
    link.listen(lambda datagram: heard.put_nowait(bytes(datagram)), pytest.fail)
    link.send(b"said")
    async with asyncio.timeout(WAIT_S):
        assert [await heard.get(), await heard.get()] == [b"--word=1", b"said"]
        assert link.pid != os.getpid()
        await link.close(WAIT_S)
    assert not link.alive


@pytest.mark.asyncio
async def test_one_that_cannot_be_started_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    before = _open_files()
    with pytest.raises(OSError, match="nowhere"):
        await WorkerLink.open("echoing", [])
    assert _open_files() == before


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
