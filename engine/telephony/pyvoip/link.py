"""The engine's end of one pyVoIP process: started, spoken to, seen to die."""

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

import engine
from engine.telephony.pyvoip import messages

LOOK_S: Final = 1.0
MOST_MISSED: Final = 8
"""Looks without a sign of life, after which a process counts as hanging."""
END_S: Final = 4.0
"""How long a process may take to end by itself. [s]"""
_BUFFER_OCTETS: Final = 1 << 20


class WorkerLink:
    """A pyVoIP process and its control socket.

    Args:
        process: The process.
        control: Our end.
        on_event: Takes what it tells.
        on_lost: Told once that it is gone.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        control: socket.socket,
        on_event: Callable[[messages.Event], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._process = process
        self._control = control
        self._on_event = on_event
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[messages.Event])
        self._outbox: list[messages.Command] = []
        self._unsent: deque[bytes] = deque()
        self._missed = 0
        self._lost = False
        self._loop.add_reader(control.fileno(), self._read)
        self._watch = self._loop.call_later(LOOK_S, self._look)

    @classmethod
    async def open(
        cls,
        begin: messages.Begin,
        on_event: Callable[[messages.Event], None],
        on_lost: Callable[[], None],
    ) -> "WorkerLink":
        """Start a process; the password goes over the socket, never into its arguments.

        Raises:
            OSError: It cannot be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_OCTETS)
        ours.setblocking(False)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "engine.telephony.pyvoip", str(theirs.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,  # the library prints what it cannot do
                    stderr=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is the engine's to answer
                )
            except BaseException:
                ours.close()
                raise
        link = cls(process, ours, on_event, on_lost)
        link.send(begin)
        return link

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, command: messages.Command) -> None:
        """Send a command, with the others of this turn of the loop."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(command)

    def kill(self) -> None:
        """End the process by force; that it is gone is told as usual."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let the process hang up and end; it is not told of any more."""
        self._detach()
        self._flush()
        self._control.close()
        try:
            async with asyncio.timeout(END_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def _detach(self) -> None:
        self._lost = True
        self._watch.cancel()
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control.fileno())

    def _look(self) -> None:
        self._watch = self._loop.call_later(LOOK_S, self._look)
        self._missed += 1
        if self._missed > MOST_MISSED:
            self.kill()

    def _read(self) -> None:
        while not self._lost:
            try:
                datagram = self._control.recv(messages.MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                datagram = b""
            if not datagram:
                self._detach()
                self._on_lost()
                return
            self._missed = 0
            for event in self._decoder.decode(datagram):
                self._on_event(event)

    def _flush(self) -> None:
        """Send what waits; where there is no room it waits on, without the audio."""
        commands, self._outbox = self._outbox, []
        if self._unsent:
            commands = [one for one in commands if not isinstance(one, messages.Audio)]
        self._pack(commands)
        with contextlib.suppress(OSError):  # no room now; or gone: the reader sees that
            while self._unsent:
                self._control.send(self._unsent[0])
                self._unsent.popleft()

    def _pack(self, commands: Sequence[messages.Command]) -> None:
        for at in range(0, len(commands), messages.MESSAGES_A_BATCH):
            batch = commands[at : at + messages.MESSAGES_A_BATCH]
            self._unsent.append(self._encoder.encode(batch))


def _environment() -> dict[str, str]:
    """Return our environment, with this very engine on the path and one thread for arrays."""
    root = str(Path(engine.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
