"""A user agent on a bench: time by hand, what it sends caught, the far end written out."""

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import AnyEvent, Ended
from engine.telephony.sip.message import Request, Response, parse
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.user_agent import UserAgent

SECRET = b"a secret of the installation"
TRUNK = Destination("192.0.2.10", 5060)
OURS = Destination("192.0.2.1", 5060)
MEDIA = LocalMedia("192.0.2.1", 4000)
ANSWER = (
    b"v=0\r\no=carrier 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class Bench:
    """One user agent and everything around it."""

    def __init__(
        self,
        life: str = "1",
        password: str | None = "secret",
        screen: int = 403,
        tls_port: int = 0,
    ) -> None:
        self.now_s = 1000.0
        self.sent: list[tuple[bytes, Destination]] = []
        self.events: list[AnyEvent] = []
        self.gate = True
        self.asked: list[str] = []
        self.sendable = True
        self.screen = screen
        self.ua = UserAgent(
            OURS.host,
            OURS.port,
            Tokens(SECRET, life),
            self._send,
            self.events.append,
            self._ask,
            lambda _request, _source: self.screen,
            find_password=lambda user: password if user == "anna" else None,
            tls_port=tls_port,
        )

    def _send(self, octets: bytes, destination: Destination) -> bool:
        if self.sendable:
            self.sent.append((octets, destination))
        return self.sendable

    def _ask(self, leg_id: str) -> bool:
        self.asked.append(leg_id)
        return self.gate

    def call(self, leg_id: str = "a1-0001-00000001", **changes: object) -> Request:
        """Place a call; returns its INVITE."""
        values: dict[str, object] = {
            "leg_id": leg_id,
            "target": "sip:+14155550100@192.0.2.10",
            "caller": "sip:+14155550199@192.0.2.1",
            "destination": TRUNK,
            "media": MEDIA,
        }
        self.ua.invite(OutgoingCall(**(values | changes)), self.now_s)  # type: ignore[arg-type]
        return self.last("INVITE")

    def answered(self, leg_id: str = "a1-0001-00000001", **changes: object) -> Request:
        """Place a call and answer it; returns its INVITE."""
        invite = self.call(leg_id, **changes)
        self.respond(invite, 180)
        self.respond(invite, 200, body=ANSWER)
        return invite

    def incoming(self, body: bytes = ANSWER, branch: str = "z9hG4bKin1") -> bytes:
        """Let a call come in; returns the INVITE's octets."""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        octets = (
            f"INVITE sip:anna@192.0.2.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch={branch};rport\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:bob@192.0.2.10>;tag=b0b\r\n"
            "To: <sip:anna@192.0.2.1>\r\nCall-ID: inbound@192.0.2.10\r\nCSeq: 7 INVITE\r\n"
            f"Contact: <sip:bob@192.0.2.10:5060>\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        self.receive(octets)
        return octets

    def receive(self, octets: bytes, source: Destination = TRUNK) -> None:
        """Hand in a datagram."""
        self.ua.receive(octets, source, self.now_s)

    def respond(
        self,
        request: Request,
        status: int,
        *headers: str,
        tag: str = "far",
        body: bytes = b"",
        contact: str = "<sip:far@192.0.2.10:5060>",
        source: Destination = TRUNK,
    ) -> None:
        """Let the far end answer a request of ours."""
        self.receive(
            make_response(request, status, *headers, tag=tag, body=body, contact=contact), source
        )

    def request(
        self,
        invite: Request,
        method: str,
        cseq: int,
        *headers: str,
        body: bytes = b"",
        branch: str = "",
        tag: str = "far",
        contact: str = "<sip:far@192.0.2.10:5060>",
        source: Destination = TRUNK,
    ) -> None:
        """Let the far end send a request inside the dialog of an INVITE of ours."""
        kind = ("Content-Type: application/sdp",) if body else ()
        lines = [
            f"{method} sip:192.0.2.1:5060 SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{branch or f'{method}{cseq}'};rport",
            "Max-Forwards: 70",
            f"From: {invite.headers['to'][0]};tag={tag}",
            f"To: {invite.headers['from'][0]}",
            f"Call-ID: {invite.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: {contact}",
            *kind,
            *headers,
            f"Content-Length: {len(body)}",
        ]
        self.receive("\r\n".join(lines).encode() + b"\r\n\r\n" + body, source)

    def wait(self, seconds: float) -> None:
        """Let time pass, stopping at each deadline."""
        end_s = self.now_s + seconds
        while self.ua.next_deadline() <= end_s:
            self.now_s = max(self.now_s, self.ua.next_deadline())
            self.ua.advance(self.now_s)
        self.now_s = end_s

    def all(self, start: str) -> list[Request | Response]:
        """Return what was sent with some method or status."""
        wanted = start.encode()
        prefix = b"SIP/2.0 " + wanted if start.isdigit() else wanted + b" "
        return [parse(octets) for octets, _ in self.sent if octets.startswith(prefix)]

    def last(self, method: str) -> Request:
        """Return the last request sent with a method."""
        found = self.all(method)[-1]
        assert isinstance(found, Request)
        return found

    def last_response(self) -> Response:
        """Return the last message sent, which must be a response."""
        found = parse(self.sent[-1][0])
        assert isinstance(found, Response), self.sent[-1][0]
        return found

    def times(self, start: str, seconds: float) -> list[float]:
        """Let time pass; return when something was sent, counted from now."""
        begun_s = self.now_s
        seen: list[float] = []
        before = len(self.all(start))
        while self.ua.next_deadline() <= begun_s + seconds:
            self.now_s = max(self.now_s, self.ua.next_deadline())
            self.ua.advance(self.now_s)
            after = len(self.all(start))
            seen += [round(self.now_s - begun_s, 3)] * (after - before)
            before = after
        self.now_s = begun_s + seconds
        return seen

    @property
    def ended(self) -> Ended:
        """The one end event."""
        (event,) = [event for event in self.events if isinstance(event, Ended)]
        return event


def make_response(
    request: Request,
    status: int,
    *headers: str,
    tag: str = "far",
    body: bytes = b"",
    contact: str = "<sip:far@192.0.2.10:5060>",
) -> bytes:
    """Return a response to a request of ours."""
    to_value = request.headers["to"][0]
    if tag and status != 100 and ";tag=" not in to_value:
        to_value += f";tag={tag}"
    lines = [
        f"SIP/2.0 {status} Status",
        *(f"Via: {via}" for via in request.headers["via"]),
        f"From: {request.headers['from'][0]}",
        f"To: {to_value}",
        f"Call-ID: {request.call_id}",
        f"CSeq: {request.cseq} {request.method}",
        *([f"Contact: {contact}"] if contact else []),
        *(["Content-Type: application/sdp"] if body else []),
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
