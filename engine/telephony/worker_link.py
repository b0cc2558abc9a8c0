"""Answer for one worker process as the engine holds it: started, spoken to, seen to end.

Both sides send datagrams (AF_UNIX, SOCK_SEQPACKET), so none comes in part, and none before another
that was sent before it. What a worker has no room for waits here in order.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import engine

MOST_OCTETS: Final = 1 << 18
"""Longest datagram. [octets]"""

MOST_UNSENT_OCTETS: Final = 1 << 26
"""What waits for a worker that does not read; with more it counts as hanging. [octets]"""

_BUFFER_OCTETS: Final = 1 << 20
_ROOT: Final = str(Path(engine.__file__).resolve().parent.parent)


class Process(Protocol):
    """What is needed of ``asyncio.subprocess.Process``."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    @property
    def returncode(self) -> int | None:
        """How it ended, None: it has not."""
        ...

    def kill(self) -> None:
        """End it by force."""
        ...

    async def wait(self) -> int:
        """Wait until it has ended."""
        ...


class WorkerLink:
    """A worker and our end of its control socket. Belongs to one running event loop.

    Args:
        process: The worker.
        control: Our end, which does not block.
    """

    def __init__(self, process: Process, control: socket.socket) -> None:
        control.setblocking(False)
        self._process, self._control = process, control
        self._loop = asyncio.get_running_loop()
        self._room = bytearray(MOST_OCTETS)
        self._waiting: deque[bytes] = deque()
        self._unsent = 0
        self._open = True
        self._on_datagram: Callable[[memoryview], None] = lambda _datagram: None
        self._on_lost: Callable[[], None] = lambda: None

    @classmethod
    async def open(
        cls, module: str, words: Sequence[str], passed: Sequence[int] = (), *, quiet: bool = False
    ) -> "WorkerLink":
        """Start a module as a worker; it finds its socket by its first word, ``--control=``.

        Args:
            module: What is run.
            words: Its further arguments; everyone on the machine can read them.
            passed: Descriptors handed down.
            quiet: Whether nobody sees what it prints.

        Raises:
            OSError: It cannot be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                for end in (ours, theirs):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_OCTETS)
                printed = asyncio.subprocess.DEVNULL if quiet else None
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", module, f"--control={theirs.fileno()}", *words),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=printed,
                    stderr=printed,
                    pass_fds=(theirs.fileno(), *passed),
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is the engine's to answer
                )
            except BaseException:  # cancelled too: the child then finds its control socket closed
                ours.close()
                raise
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether the process has not ended."""
        return self._process.returncode is None

    @property
    def unsent(self) -> int:
        """What waits until the worker reads. [octets]"""
        return self._unsent

    def listen(
        self, on_datagram: Callable[[memoryview], None], on_lost: Callable[[], None]
    ) -> None:
        """Be told what the worker says, and once when it is gone; not after ``close``.

        Args:
            on_datagram: Takes a datagram, which is valid during the call.
            on_lost: Told that it is gone.
        """
        self._on_datagram, self._on_lost = on_datagram, on_lost
        self._loop.add_reader(self._control.fileno(), self._read)

    def send(self, *datagrams: bytes) -> None:
        """Send in order, as soon as the worker reads; what a worker that is gone misses is lost.

        Raises:
            ValueError: One is too long; none is sent.
        """
        if any(len(datagram) > MOST_OCTETS for datagram in datagrams):
            raise ValueError(f"a datagram to a worker has at most {MOST_OCTETS} octets")
        if not self._open:
            return
        waited = bool(self._waiting)
        self._waiting += datagrams
        self._unsent += sum(map(len, datagrams))
        if not waited:
            self._write()
            if self._waiting:
                self._loop.add_writer(self._control.fileno(), self._write)
        if self._unsent > MOST_UNSENT_OCTETS:
            self._forget_unsent()
            self.kill()

    def kill(self) -> None:
        """End a worker that hangs; that it is gone is then told as usual."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def detach(self) -> None:
        """Close the control socket: the worker is to end, and nothing more is told of it."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._control.fileno())
            self._forget_unsent()
            self._control.close()

    async def close(self, wait_s: float) -> None:
        """Close the control socket and wait until the process has ended.

        Args:
            wait_s: How long it may take to end by itself. [s]
        """
        self.detach()
        try:
            async with asyncio.timeout(wait_s):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def _read(self) -> None:
        while self._open:
            try:
                octets, _, flags, _ = self._control.recvmsg_into([self._room])
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                octets, flags = 0, 0
            if flags & socket.MSG_TRUNC:
                self.kill()  # it says what nobody can read
                octets = 0
            if not octets:
                self.detach()
                self._on_lost()
                return
            self._on_datagram(memoryview(self._room)[:octets])

    def _write(self) -> None:
        try:
            while self._waiting:
                self._control.send(self._waiting[0])
                self._unsent -= len(self._waiting.popleft())
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass  # the reader sees the end of the process too, and tells
        self._forget_unsent()

    def _forget_unsent(self) -> None:
        self._waiting.clear()
        self._unsent = 0
        self._loop.remove_writer(self._control.fileno())


def _environment() -> dict[str, str]:
    """Return our environment, with this very engine on the path and one thread for arrays."""
    path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
