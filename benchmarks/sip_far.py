"""A far end in memory for benchmarks of the SIP core: it answers what it is sent."""

from collections.abc import Callable

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import AnyEvent, Ended
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.user_agent import UserAgent

FAR = Destination("127.0.0.1", 5080)
_SDP = (
    b"v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_MEDIA = LocalMedia("127.0.0.1", 4000)
_KEPT = (b"Via", b"From", b"To:", b"Call", b"CSeq")


class Far:
    """Answers outside the time that is measured.

    Attributes:
        sent: What the core sent since this was last cleared.
        ended: Calls that ended.
    """

    def __init__(self, session_s: int = 0) -> None:
        """Begin; ``session_s`` is the session interval agreed to, 0: none. [s]"""
        self.sent: list[bytes] = []
        self.ended = 0
        self._session = (
            [b"Require: timer", b"Session-Expires: %d;refresher=uac" % session_s]
            if session_s
            else []
        )

    def send(self, octets: bytes, _: Destination) -> bool:
        """Keep a request."""
        self.sent.append(octets)
        return True

    def take(self, event: AnyEvent) -> None:
        """Count ends."""
        self.ended += isinstance(event, Ended)

    def ring(self) -> bytes:
        """Return 180 to the last request."""
        return self.respond(b"180 Ringing")

    def answer(self) -> bytes:
        """Return 200 with a description to the last request."""
        return self.respond(b"200 OK", _SDP, self._session)

    def respond(self, status: bytes, body: bytes = b"", more: list[bytes] | None = None) -> bytes:
        """Return a response to the last request."""
        lines = [
            line + (b";tag=f" if line.startswith(b"To:") and b"tag=" not in line else b"")
            for line in self.sent[-1].split(b"\r\n")
            if line.startswith(_KEPT)
        ]
        kind = [b"Content-Type: application/sdp"] if body else []
        lines += [b"Contact: <sip:127.0.0.1:5080>", *(more or []), *kind]
        lines.append(b"Content-Length: %d" % len(body))
        return b"SIP/2.0 " + status + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def user_agent(
    send: Callable[[bytes, Destination], bool], emit: Callable[[AnyEvent], None], port: int = 5060
) -> UserAgent:
    """Return a user agent that may always call."""
    tokens = Tokens(b"a secret of the benchmark", "1")
    return UserAgent("127.0.0.1", port, tokens, send, emit, lambda _: True, lambda _r, _s: 403)


def call(number: int, destination: Destination, session_s: int = 0) -> OutgoingCall:
    """Return a call to be placed."""
    target = f"sip:+14155550100@127.0.0.1:{destination.port}"
    caller = "sip:+14155550199@127.0.0.1"
    leg_id = f"b1-0001-{number:08x}"
    return OutgoingCall(leg_id, target, caller, destination, _MEDIA, session_s=session_s)
