"""Where messages go and come from."""

from collections.abc import Callable
from typing import NamedTuple


class Destination(NamedTuple):
    """Where a message goes, or came from.

    Attributes:
        host: IP address, without brackets.
        port: Port.
        transport: Via transport; over all but UDP nothing is retransmitted.
        link: What an address alone does not tell: ``#`` and a number, the connection that the peer
            opened, its flow (RFC 5626 §2); or the key of the TLS settings that hold there.
    """

    host: str
    port: int
    transport: str = "UDP"
    link: str = ""

    @property
    def is_flow(self) -> bool:
        """Whether it ends with the connection that the peer opened."""
        return self.link.startswith("#")


Send = Callable[[bytes, Destination], bool]
"""Sends octets; False says that they could not leave."""
