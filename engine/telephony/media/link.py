"""Answer for one media process as the engine holds it: started, spoken to, seen to die."""

import asyncio
import contextlib
import itertools
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

import engine
from engine.telephony.media import messages

COMMANDS_A_BATCH: Final = 100
"""Commands in one datagram; a longer turn of the loop makes several."""

ROWS_A_MIX: Final = 2000
"""Rows of the mix matrix in one command, so that it fits a datagram."""

START_PATIENCE: Final = 40
"""Looks at a process that has only been started, before it counts as hanging."""

END_WAIT_S: Final = 2.0
"""How long a process may take to end by itself. [s]"""

_BUFFER_BYTES: Final = 1 << 20


class SwitchLink:
    """A media process and its control socket."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._unsent: deque[bytes] = deque()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(messages.Events)
        self._seq = 0
        self._waits = False
        self._misses = -START_PATIENCE
        self._on_events: Callable[[messages.Events], None] = lambda _events: None
        self._on_lost: Callable[[SwitchLink], None] = lambda _link: None

    @classmethod
    async def open(
        cls,
        ports: Sequence[tuple[int, int]],
        legs: int,
        silent_ms: int,
        ring: int = -1,
        peers: Sequence[int] = (),
    ) -> "SwitchLink":
        """Start a process on bound sockets; it waits for its first command.

        Args:
            ports: Descriptors of each RTP socket and its RTCP socket, in order.
            legs: Most legs at once.
            silent_ms: RTP silence that is told of. [ms]
            ring: Descriptor of the recorder's shared memory, -1 without.
            peers: Descriptors of its sockets to other switches, in their order.

        Raises:
            OSError: It cannot be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        given = {"control": theirs.fileno(), "legs": legs, "silent-ms": silent_ms, "ring": ring}
        words = [f"--{name}={value}" for name, value in given.items()]
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "engine.telephony.media",
                    *words,
                    f"--ports={','.join(str(rtp) for rtp, _ in ports)}",
                    f"--report-ports={','.join(str(rtcp) for _, rtcp in ports)}",
                    f"--peers={','.join(map(str, peers))}",
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(
                        theirs.fileno(),
                        *itertools.chain(*ports),
                        *peers,
                        *((ring,) if ring >= 0 else ()),
                    ),
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

    def listen(
        self,
        on_events: Callable[[messages.Events], None],
        on_lost: "Callable[[SwitchLink], None]",
    ) -> None:
        """Be told what the process says, and when it is gone."""
        self._on_events, self._on_lost = on_events, on_lost
        asyncio.get_running_loop().add_reader(self._control.fileno(), self._read)

    def send(self, commands: Sequence[messages.Command]) -> int:
        """Send commands and return the number whose acknowledgement covers them all."""
        whole = [part for command in commands for part in _parts(command)]
        for at in range(0, len(whole), COMMANDS_A_BATCH):
            self._seq += 1
            batch = messages.Commands(self._seq, whole[at : at + COMMANDS_A_BATCH])
            self._unsent.append(self._encoder.encode(batch))
        self._write()
        return self._seq

    def miss(self) -> int:
        """Count a look at a process, and return how many there were since its last sign.

        One that has given none yet is still starting, and the count begins below zero.
        """
        self._misses += 1
        return self._misses

    def kill(self) -> None:
        """End a process that hangs; that it is gone is then told as usual."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Close the control socket and wait until the process has ended."""
        self._detach()
        self._control.close()
        try:
            async with asyncio.timeout(END_WAIT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def _detach(self) -> None:
        self._waits = False
        if self._control.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._control.fileno())
            loop.remove_writer(self._control.fileno())

    def _read(self) -> None:
        while True:
            try:
                datagram = self._control.recv(messages.MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                datagram = b""
            if not datagram:
                self._detach()
                self._on_lost(self)
                return
            self._misses = 0
            self._on_events(self._decoder.decode(datagram))

    def _write(self) -> None:
        while self._unsent:
            try:
                self._control.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                self._wait_to_write()
                return
            except OSError:
                self._unsent.clear()  # the reader sees the end of the process too, and tells
                break
            self._unsent.popleft()
        if self._waits:
            self._waits = False
            asyncio.get_running_loop().remove_writer(self._control.fileno())

    def _wait_to_write(self) -> None:
        if not self._waits:
            self._waits = True
            asyncio.get_running_loop().add_writer(self._control.fileno(), self._write)


def _parts(command: messages.Command) -> list[messages.Command]:
    if not isinstance(command, messages.Mix) or len(command.rows) <= ROWS_A_MIX:
        return [command]
    rows = list(command.rows.items())
    cuts = range(0, len(rows), ROWS_A_MIX)
    return [messages.Mix(dict(rows[at : at + ROWS_A_MIX])) for at in cuts]


def _environment() -> dict[str, str]:
    """Return our environment, with this very engine on the path and one thread for arrays."""
    root = str(Path(engine.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
