"""A process that floods an address with datagrams: a bounded rate for a bounded time, then ends.

``python -m tests.support.flood KIND HOST PORTS RATE SECONDS SOURCES`` with commas between PORTS.
It prints how many it sent.
"""

import random
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Final

MOST_PER_S: Final = 10_000
LONGEST_S: Final = 20.0
_STEP_S: Final = 0.005
_METHODS: Final = ("INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "BYE", "ACK", "CANCEL")
_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 0\r\n"
)


def sip(chance: random.Random, number: int) -> bytes:
    """Return a request like none before, or junk."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(1, 1200))
    method = chance.choice(_METHODS)
    body = _SDP if method == "INVITE" else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:{number}@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.9:9;branch=z9hG4bK{number:x}f;rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:{number}@127.0.0.9>;tag={number:x}\r\nTo: <sip:{number}@127.0.0.1>\r\n"
        f"Call-ID: flood{number}\r\nCSeq: 1 {method}\r\nContact: <sip:x@127.0.0.9>\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def rtp(chance: random.Random, number: int) -> bytes:
    """Return something like audio, a report, or junk."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(1, 600))
    kind = chance.choice((0, 8, 13, 101))
    head = struct.pack("!BBHII", 0x80, kind, number & 0xFFFF, number * 160 & 0xFFFFFFFF, number % 5)
    return head + chance.randbytes(160)


KINDS: Final[dict[str, Callable[[random.Random, int], bytes]]] = {"sip": sip, "rtp": rtp}


def main(kind: str, host: str, ports: str, rate: int, seconds: float, sources: int) -> None:
    """Flood.

    Args:
        kind: What is sent.
        host: Where to.
        ports: Ports there.
        rate: Datagrams a second. [1/s]
        seconds: How long. [s]
        sources: Addresses that send, from 127.0.1.1 on.
    """
    make, chance = KINDS[kind], random.Random(1)
    to = [(host, int(port)) for port in ports.split(",")]
    senders = [_bound(f"127.0.{1 + index // 250}.{1 + index % 250}") for index in range(sources)]
    ready = [make(chance, number) for number in range(5000)]
    sent, began_s = 0, time.monotonic()
    ends_s = began_s + min(seconds, LONGEST_S)
    while (now_s := time.monotonic()) < ends_s:
        due = int((now_s - began_s) * min(rate, MOST_PER_S))
        due = min(due, sent + rate // 20)  # a sender that was held up does not send all at once
        for number in range(sent, due):
            octets = ready[number % len(ready)]
            senders[number % len(senders)].sendto(octets, to[number % len(to)])
        sent = max(sent, due)
        time.sleep(_STEP_S)
    print(sent)


def _bound(host: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    bound.setblocking(False)
    return bound


if __name__ == "__main__":
    own_kind, own_host, own_ports, own_rate, own_seconds, own_sources = sys.argv[1:]
    main(own_kind, own_host, own_ports, int(own_rate), float(own_seconds), int(own_sources))
