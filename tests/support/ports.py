"""Ports of loopback for servers and phones of tests, which keep theirs over several lives.

A port that the system picks itself may go to anybody's outgoing connection while its server is
down for a moment. So ports are drawn from below those that systems pick, and below the RTP pool.
"""

import os
import random
import socket
from contextlib import suppress
from typing import Final

from engine.telephony.media.allocation import ANY_LOWEST

HOST: Final = "127.0.0.1"
_LOWEST: Final = 10_240
_WORKERS: Final = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
"""Each process of pytest-xdist has ports of its own."""
_TRIES: Final = 200
_given: Final[set[int]] = set()


def free_port() -> int:
    """Return a port of loopback that is free now, over UDP and over TCP, and no other test's.

    Raises:
        OSError: Whatever was drawn is taken.
    """
    for _ in range(_TRIES):
        port = random.SystemRandom().randrange(_LOWEST + _WORKER, ANY_LOWEST, _WORKERS)
        if port in _given:
            continue
        with suppress(OSError):
            _bind(port, socket.SOCK_DGRAM)
            _bind(port, socket.SOCK_STREAM)
            _given.add(port)
            return port
    raise OSError(f"no free port on {HOST} from {_LOWEST} to {ANY_LOWEST}")


def _bind(port: int, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, port))
