"""TLS at our end of a connection that a peer opened: between its socket and its messages.

The loop's own TLS would begin before anyone could refuse the connection, and tell nobody of those
whose handshake never ends; here both count as any other connection does.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Final

from engine.telephony.sip.connection import Connection

_CHUNK: Final = 65_536


class TlsServer(asyncio.Protocol):
    """Decrypts for a connection and encrypts for its peer (``connection.Way``)."""

    __slots__ = ("_connection", "_incoming", "_is_done", "_outgoing", "_raw", "_tls")

    def __init__(
        self, context: ssl.SSLContext, connection: Connection, raw: asyncio.Transport
    ) -> None:
        """Wait for the peer's first words.

        Args:
            context: Our certificate, and whom we trust.
            connection: Whose octets these are.
            raw: The socket.
        """
        self._connection = connection
        self._raw = raw
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_done = False

    # --- from the socket -----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take octets from the wire."""
        self._incoming.write(data)
        try:
            if self._is_done or self._shake_hands():
                self._read()
        except ssl.SSLError:
            self._flush()  # the alert that tells the peer why
            self._connection.abort("tls-error" if self._is_done else "handshake-failed")
        else:
            self._flush()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._is_done = True
        self._flush()
        self._connection.open(self)
        return True

    def _read(self) -> None:
        """Hand over what can be decrypted; an empty piece is the peer's orderly end."""
        try:
            while piece := self._tls.read(_CHUNK):
                self._connection.data_received(piece)
        except ssl.SSLWantReadError:
            return
        self._connection.close()

    def eof_received(self) -> None:
        """Let the socket close, and pass on that it does."""
        self._connection.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the peer does not read."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it does again."""
        self._connection.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on that the socket is gone."""
        self._connection.connection_lost(error)

    # --- to the socket -------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self._connection.abort("tls-error")
            return
        self._flush()

    def close(self) -> None:
        """Say goodbye and close, once all is read."""
        with suppress(ssl.SSLError, ValueError):
            self._tls.unwrap()  # the peer's own is not waited for (RFC 8446 §6.1)
        self._flush()
        self._raw.close()

    def abort(self) -> None:
        """Close at once."""
        self._raw.abort()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return what waits for the peer to read. [octets]"""
        return self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        """Set from how much on the peer counts as not reading."""
        self._raw.set_write_buffer_limits(high=high)

    def _flush(self) -> None:
        octets = self._outgoing.read()
        if octets and not self._raw.is_closing():
            self._raw.write(octets)
