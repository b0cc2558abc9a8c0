"""Start the media process on sockets that the engine bound and handed down."""

import argparse
import contextlib
import os
import signal
import socket
from typing import Final

from engine.telephony.media.switch import Switch

PRIORITY: Final = -10
"""Audio has a deadline each 20 ms; what else the machine does has not."""


def main() -> None:
    """Run a switch until the engine closes the control socket or is gone."""
    parser = argparse.ArgumentParser(prog="engine.telephony.media", description=__doc__)
    parser.add_argument(
        "--control", type=int, required=True, help="descriptor of the control socket"
    )
    parser.add_argument("--ports", required=True, help="descriptors of the RTP sockets, by commas")
    parser.add_argument("--legs", type=int, required=True, help="most legs at once")
    parser.add_argument("--silent-ms", type=int, required=True, help="silence that is told of")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # without the right to it, it does as well as it can
        os.nice(PRIORITY)
    ports = [socket.socket(fileno=int(fd)) for fd in given.ports.split(",")]
    for port in ports:
        port.setblocking(False)
    Switch(socket.socket(fileno=given.control), ports, given.legs, given.silent_ms).run()


if __name__ == "__main__":
    main()
