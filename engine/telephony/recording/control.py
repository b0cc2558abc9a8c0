"""Answer for the recorder's end of the socket to the engine: datagrams, and no waiting."""

import select
import socket
from collections import deque

import msgspec

from engine.telephony.recording import messages


class EngineGoneError(Exception):
    """The control socket is closed."""


class Control:
    """The socket to the engine (AF_UNIX, SOCK_SEQPACKET)."""

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._decoder = msgspec.msgpack.Decoder(messages.Command)
        self._encoder = msgspec.msgpack.Encoder()
        self._unsent: deque[bytes] = deque()

    def wait(self, timeout_s: float | None) -> None:
        """Wait for a command, at most so long."""
        select.select([self._link], [], [], timeout_s)

    def receive(self) -> list[messages.Command]:
        """Return what has come.

        Raises:
            EngineGoneError: The engine is gone.
        """
        commands: list[messages.Command] = []
        while True:
            try:
                datagram = self._link.recv(messages.MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                return commands
            except ConnectionError:
                datagram = b""
            if not datagram:
                if commands:
                    return commands  # the end is met again at the next look
                raise EngineGoneError
            commands.append(self._decoder.decode(datagram))

    def tell(self, event: messages.Event) -> None:
        """Send an event, as soon as the engine reads."""
        if not isinstance(event, messages.Alive) or not self._unsent:
            self._unsent.append(self._encoder.encode(event))
        self.push()

    def push(self) -> None:
        """Send what waits."""
        while self._unsent:
            try:
                self._link.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                self._unsent.clear()  # the end is met at the next look
                return
            self._unsent.popleft()
