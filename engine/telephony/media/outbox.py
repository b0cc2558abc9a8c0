"""Answer for what a switch is told in one turn of the loop, and when rows of legs come back.

A row is given to another leg only after the switch has acknowledged the release of the one before.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from engine.telephony.media import messages
from engine.telephony.media.allocation import Place


class Outbox:
    """The commands of one turn. Belongs to one running event loop.

    Args:
        send: Sends commands; returns the number that acknowledges them, 0 when nobody is there.
        free: Takes the place of a leg that the switch has let go.
    """

    def __init__(
        self,
        send: Callable[[Sequence[messages.Command]], int],
        free: Callable[[Place], None],
    ) -> None:
        self._send, self._free = send, free
        self._commands: list[messages.Command] = []
        self._freed: list[Place] = []
        self._leaving: deque[tuple[int, Place]] = deque()

    def tell(self, command: messages.Command) -> None:
        """Send a command with the others of this turn."""
        if not self._commands:
            asyncio.get_running_loop().call_soon(self._flush)
        self._commands.append(command)

    def release(self, place: Place) -> None:
        """Tell that a leg is over; its place comes back once that is acknowledged."""
        self._freed.append(place)
        self.tell(messages.Release(place.row))

    def acknowledged(self, number: int) -> None:
        """Give back the places of what a switch has carried out."""
        while self._leaving and self._leaving[0][0] <= number:
            self._free(self._leaving.popleft()[1])

    def clear(self) -> None:
        """Forget all: another process becomes the switch, and has no legs yet."""
        self._commands.clear()
        for place in [*self._freed, *(place for _, place in self._leaving)]:
            self._free(place)
        self._freed.clear()
        self._leaving.clear()

    def _flush(self) -> None:
        """Send the commands of one turn; without a switch they are kept as wishes."""
        commands, self._commands = self._commands, []
        freed, self._freed = self._freed, []
        number = self._send(commands)
        self._leaving += [(number, place) for place in freed]
