"""Cuts the connection of a peer that takes nothing any more.

grpc.aio has no way to drop a call whose bytes the peer does not take: a status would queue behind
them, and keep-alive pings too, for as long as the peer's kernel answers. Shutting the socket down
under gRPC ends the connection as if the peer had gone, with all its calls and buffers.
"""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

_DESCRIPTORS = Path("/proc/self/fd")


def cut_off(peer: str) -> bool:
    """Shut down the connection to a peer; return whether one was found.

    Args:
        peer: As ``ServicerContext.peer`` tells it, such as ``ipv4:127.0.0.1:40312``.
    """
    address = parse_peer(peer)
    if address is None or not _DESCRIPTORS.is_dir():
        return False
    for entry in os.listdir(_DESCRIPTORS):
        with suppress(OSError):  # descriptors come and go while we look
            if _shut_if(int(entry), address):
                return True
    return False


def parse_peer(peer: str) -> tuple[str, int] | None:
    """Return host and port of a TCP peer, or None for any other kind.

    Args:
        peer: ``ipv4:HOST:PORT`` or ``ipv6:%5BHOST%5D:PORT``.
    """
    family, _, rest = unquote(peer).partition(":")
    host, _, port = rest.rpartition(":")
    if family not in {"ipv4", "ipv6"} or not port.isdigit():
        return None
    return host.strip("[]"), int(port)


def _shut_if(descriptor: int, address: tuple[str, int]) -> bool:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return False
    # A duplicate, so that closing our object leaves gRPC's descriptor open.
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.family not in {socket.AF_INET, socket.AF_INET6}:
            return False
        host, port = connection.getpeername()[:2]
        if (host.removeprefix("::ffff:"), port) != address:
            return False
        connection.shutdown(socket.SHUT_RDWR)
        return True
