"""Start the media process on sockets that the engine bound and handed down."""

import argparse
import signal
import socket

from engine.telephony.media.priority import hurry
from engine.telephony.media.switch import Switch


def main() -> None:
    """Run a switch until the engine closes the control socket or is gone."""
    parser = argparse.ArgumentParser(prog="engine.telephony.media", description=__doc__)
    parser.add_argument(
        "--control", type=int, required=True, help="descriptor of the control socket"
    )
    parser.add_argument("--ports", required=True, help="descriptors of the RTP sockets, by commas")
    parser.add_argument("--report-ports", required=True, help="of the RTCP sockets, by commas")
    parser.add_argument("--legs", type=int, required=True, help="most legs at once")
    parser.add_argument("--silent-ms", type=int, required=True, help="silence that is told of")
    parser.add_argument("--peers", default="", help="of the sockets to other switches, by commas")
    parser.add_argument("--ring", type=int, default=-1, help="shared memory of the recorder")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hurry()
    ports, report_ports = _sockets(given.ports), _sockets(given.report_ports)
    control = socket.socket(fileno=given.control)
    peers = _sockets(given.peers) if given.peers else []
    Switch(control, ports, report_ports, peers, given.legs, given.silent_ms, given.ring).run()


def _sockets(descriptors: str) -> list[socket.socket]:
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in descriptors.split(",")]
    for one in sockets:
        one.setblocking(False)
    return sockets


if __name__ == "__main__":
    main()
