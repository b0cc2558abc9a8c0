"""Answer for one media process as the engine holds it: what it is told and acknowledges."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from engine.telephony.media import messages
from engine.telephony.worker_link import WorkerLink

COMMANDS_A_BATCH: Final = 100
"""Commands in one datagram; a longer turn of the loop makes several."""

ROWS_A_MIX: Final = 2000
"""Rows of the mix matrix in one command, so that it fits a datagram."""

START_PATIENCE: Final = 40
"""Looks at a process that has only been started, before it counts as hanging."""

END_WAIT_S: Final = 2.0
"""How long a process may take to end by itself. [s]"""


class SwitchLink:
    """A media process and the way to it."""

    def __init__(self, worker: WorkerLink) -> None:
        self._worker = worker
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(messages.Events)
        self._seq = 0
        self._misses = -START_PATIENCE

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
        words = [
            f"--legs={legs}",
            f"--silent-ms={silent_ms}",
            f"--ring={ring}",
            f"--ports={','.join(str(rtp) for rtp, _ in ports)}",
            f"--report-ports={','.join(str(rtcp) for _, rtcp in ports)}",
            f"--peers={','.join(map(str, peers))}",
        ]
        passed = [*itertools.chain(*ports), *peers, *((ring,) if ring >= 0 else ())]
        return cls(await WorkerLink.open("engine.telephony.media", words, passed))

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._worker.pid

    @property
    def alive(self) -> bool:
        """Say whether the process has not ended."""
        return self._worker.alive

    def listen(
        self,
        on_events: Callable[[messages.Events], None],
        on_lost: "Callable[[SwitchLink], None]",
    ) -> None:
        """Be told what the process says, and when it is gone."""

        def take(datagram: memoryview) -> None:
            self._misses = 0
            on_events(self._decoder.decode(datagram))

        self._worker.listen(take, lambda: on_lost(self))

    def send(self, commands: Sequence[messages.Command]) -> int:
        """Send commands and return the number whose acknowledgement covers them all."""
        whole = [part for command in commands for part in _parts(command)]
        for at in range(0, len(whole), COMMANDS_A_BATCH):
            self._seq += 1
            batch = messages.Commands(self._seq, whole[at : at + COMMANDS_A_BATCH])
            self._worker.send(self._encoder.encode(batch))
        return self._seq

    def miss(self) -> int:
        """Count a look at a process, and return how many there were since its last sign.

        One that has given none yet is still starting, and the count begins below zero.
        """
        self._misses += 1
        return self._misses

    def kill(self) -> None:
        """End a process that hangs; that it is gone is then told as usual."""
        self._worker.kill()

    async def close(self) -> None:
        """Close the control socket and wait until the process has ended."""
        await self._worker.close(END_WAIT_S)


def _parts(command: messages.Command) -> list[messages.Command]:
    if not isinstance(command, messages.Mix) or len(command.rows) <= ROWS_A_MIX:
        return [command]
    rows = list(command.rows.items())
    cuts = range(0, len(rows), ROWS_A_MIX)
    return [messages.Mix(dict(rows[at : at + ROWS_A_MIX])) for at in cuts]
