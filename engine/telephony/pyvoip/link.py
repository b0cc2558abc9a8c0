"""The engine's end of one pyVoIP process: what it is told turn by turn, and its signs of life."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from engine.telephony.pyvoip import messages
from engine.telephony.worker_link import WorkerLink

LOOK_S: Final = 1.0
MOST_MISSED: Final = 8
"""Looks without a sign of life, after which a process counts as hanging."""
END_S: Final = 4.0
"""How long a process may take to end by itself. [s]"""


class PhoneLink:
    """A pyVoIP process and the way to it.

    Args:
        worker: The process.
        on_event: Takes what it tells.
        on_lost: Told once that it is gone.
    """

    def __init__(
        self,
        worker: WorkerLink,
        on_event: Callable[[messages.Event], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._on_event, self._on_lost = on_event, on_lost
        self._loop = asyncio.get_running_loop()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[messages.Event])
        self._outbox: list[messages.Command] = []
        self._missed = 0
        worker.listen(self._take, self._lost)
        self._watch = self._loop.call_later(LOOK_S, self._look)

    @classmethod
    async def open(
        cls,
        begin: messages.Begin,
        on_event: Callable[[messages.Event], None],
        on_lost: Callable[[], None],
    ) -> "PhoneLink":
        """Start a process; the password goes over the socket, never into its arguments.

        Raises:
            OSError: It cannot be started.
        """
        # Quiet: the library prints what it cannot do.
        worker = await WorkerLink.open("engine.telephony.pyvoip", [], quiet=True)
        link = cls(worker, on_event, on_lost)
        link.send(begin)
        return link

    @property
    def pid(self) -> int:
        """The process id."""
        return self._worker.pid

    def send(self, command: messages.Command) -> None:
        """Send a command, with the others of this turn of the loop."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(command)

    async def close(self) -> None:
        """Let the process hang up and end; it is not told of any more."""
        self._watch.cancel()
        self._flush()
        await self._worker.close(END_S)

    def _look(self) -> None:
        self._watch = self._loop.call_later(LOOK_S, self._look)
        self._missed += 1
        if self._missed > MOST_MISSED:
            self._worker.kill()

    def _take(self, datagram: memoryview) -> None:
        self._missed = 0
        for event in self._decoder.decode(datagram):
            self._on_event(event)

    def _lost(self) -> None:
        self._watch.cancel()
        self._on_lost()

    def _flush(self) -> None:
        """Send what there is; while earlier commands wait, audio is dropped."""
        commands, self._outbox = self._outbox, []
        if self._worker.unsent:
            commands = [one for one in commands if not isinstance(one, messages.Audio)]
        for at in range(0, len(commands), messages.MESSAGES_A_BATCH):
            batch = commands[at : at + messages.MESSAGES_A_BATCH]
            self._worker.send(self._encoder.encode(batch))
