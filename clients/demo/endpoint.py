"""The called side of SIP calls: INVITEs answered, retransmitted, cancelled and ended.

It decides and writes; sending and waiting are handed in, so that a test can own both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from clients.demo import sip

T1_S = 0.5
"""Estimate of a round trip (RFC 3261 §17.1.1.1). [s]"""
T2_S = 4.0
"""Longest wait between retransmissions. [s]"""
_GIVE_UP_S = 64 * T1_S
_FORGET_S = 10.0
"""How long an ended call is remembered for what is still under way. [s]"""

Address = tuple[str, int]
Send = Callable[[bytes, Address], None]


class Timer(Protocol):
    """Something to come that can be called off."""

    def cancel(self) -> None:
        """Call it off."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls a function after some seconds."""


class Phase(Enum):
    """Where a call stands."""

    RINGING = auto()
    ANSWERED = auto()
    ENDED = auto()


@dataclass(eq=False, slots=True)
class Call:
    """One call to us.

    Attributes:
        invite: The INVITE that began it.
        source: Where it came from.
        tag: Our tag.
        phase: Where it stands.
        final: The final response, resent until it is acknowledged.
        contact: Our URI in it.
        acked: Whether the final response was acknowledged.
        cseq: Number of our own last request.
        bye: Our BYE, until it is answered.
        timers: What is to come, to be called off at the end.
    """

    invite: sip.Message
    source: Address
    tag: str
    phase: Phase = Phase.RINGING
    final: bytes = b""
    contact: str = ""
    acked: bool = False
    cseq: int = 0
    bye: bytes = b""
    timers: list[Timer] = field(default_factory=list)


class Endpoint:
    """Answers SIP requests on one socket."""

    def __init__(
        self,
        send: Send,
        later: Later,
        on_invite: Callable[[Call], None],
        on_ended: Callable[[Call], None],
        on_response: Callable[[sip.Message], None] | None = None,
    ) -> None:
        """Set up.

        Args:
            send: Sends a datagram.
            later: Calls a function after some seconds.
            on_invite: Told each new call; it rings, answers or rejects, now or later.
            on_ended: Told each call that ended, once, whoever ended it.
            on_response: Told responses to requests that are no BYE.
        """
        self._send = send
        self._later = later
        self._on_invite = on_invite
        self._on_ended = on_ended
        self._on_response = on_response
        self._calls: dict[str, Call] = {}
        self._made = 0
        self.garbage = 0

    @property
    def calls(self) -> int:
        """Calls that have not ended."""
        return sum(call.phase is not Phase.ENDED for call in self._calls.values())

    def receive(self, datagram: bytes, source: Address) -> None:
        """Take a datagram; what is no SIP is counted and dropped."""
        if not datagram.strip():
            return  # a keep-alive (RFC 5626 §3.5.1)
        try:
            message = sip.parse(datagram)
        except sip.NotSipError:
            self.garbage += 1
            return
        if message.status:
            self._take_response(message)
        else:
            self._take_request(message, source)

    def ring(self, call: Call) -> None:
        """Say that it rings."""
        if call.phase is Phase.RINGING:
            self._send(sip.respond(call.invite, 180, tag=call.tag), call.source)

    def answer(self, call: Call, contact: str, body: bytes) -> None:
        """Answer, and repeat the answer until it is acknowledged (RFC 3261 §13.3.1.4)."""
        if call.phase is Phase.RINGING:
            call.phase, call.contact = Phase.ANSWERED, contact
            response = sip.respond(call.invite, 200, tag=call.tag, contact=contact, body=body)
            self._finish_invite(call, response)

    def reject(self, call: Call, status: int) -> None:
        """Refuse a call that was not answered."""
        if call.phase is Phase.RINGING:
            self._finish_invite(call, sip.respond(call.invite, status, tag=call.tag))
            self._end(call, forget=False)

    def hang_up(self, call: Call) -> None:
        """End an answered call with BYE, repeated until it is answered (RFC 3261 §15.1.1)."""
        if call.phase is not Phase.ANSWERED:
            return
        call.cseq += 1
        self._made += 1
        host, port = call.contact.rpartition("@")[2].split(":")
        routes = [("Route", value) for value in call.invite.all("record-route")]
        target = sip.uri_in(call.invite.first("contact"))
        call.bye = sip.write(
            f"BYE {target} SIP/2.0",
            [
                ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bKb{call.tag}{self._made};rport"),
                ("Max-Forwards", "70"),
                *routes,
                ("From", f"{call.invite.first('to')};tag={call.tag}"),
                ("To", call.invite.first("from")),
                ("Call-ID", call.invite.call_id),
                ("CSeq", f"{call.cseq} BYE"),
            ],
        )
        self._end(call)
        self._repeat(call, call.bye, lambda: not call.bye, T1_S, 0.0)

    def _take_request(self, request: sip.Message, source: Address) -> None:
        call = self._calls.get(request.call_id)
        match request.method:
            case "INVITE":
                self._take_invite(request, source, call)
            case "ACK":
                if call is not None and not call.acked:
                    call.acked = True
                    if not call.bye:
                        self._calls_off(call)
            case "CANCEL":
                self._take_cancel(request, source, call)
            case "BYE":
                if call is None or call.phase is Phase.RINGING:
                    self._send(sip.respond(request, 481, tag="none"), source)
                    return
                self._send(sip.respond(request, 200, tag=call.tag), source)
                self._end(call)
            case "OPTIONS":
                self._send(sip.respond(request, 200, tag="options"), source)
            case _:
                self._send(sip.respond(request, 405, tag="none"), source)

    def _take_invite(self, request: sip.Message, source: Address, call: Call | None) -> None:
        if call is None:
            if ";tag=" in request.first("to"):
                self._send(sip.respond(request, 481, tag="none"), source)
                return
            self._made += 1
            call = Call(request, source, f"w{self._made:x}")
            self._calls[request.call_id] = call
            self._send(sip.respond(request, 100), source)
            self._on_invite(call)
        elif request.cseq > call.invite.cseq:  # a new offer within the call
            body = call.final.partition(b"\r\n\r\n")[2]
            response = sip.respond(request, 200, contact=call.contact, body=body)
            self._send(response if call.phase is Phase.ANSWERED else call.final, source)
        else:
            self._send(call.final or sip.respond(request, 100), source)

    def _take_cancel(self, request: sip.Message, source: Address, call: Call | None) -> None:
        if call is None:
            self._send(sip.respond(request, 481, tag="none"), source)
            return
        self._send(sip.respond(request, 200, tag=call.tag), source)
        self.reject(call, 487)

    def _take_response(self, response: sip.Message) -> None:
        if response.method != "BYE":
            if self._on_response is not None:
                self._on_response(response)
            return
        call = self._calls.get(response.call_id)
        if call is not None and response.status >= 200:
            call.bye = b""
            self._calls_off(call)

    def _finish_invite(self, call: Call, response: bytes) -> None:
        call.final = response
        self._repeat(call, response, lambda: call.acked, T1_S, 0.0)

    def _repeat(
        self, call: Call, datagram: bytes, done: Callable[[], bool], wait_s: float, spent_s: float
    ) -> None:
        if done():
            return
        self._send(datagram, call.source)
        if spent_s < _GIVE_UP_S:
            following = min(2 * wait_s, T2_S)
            call.timers.append(
                self._later(
                    wait_s,
                    lambda: self._repeat(call, datagram, done, following, spent_s + wait_s),
                )
            )

    def _end(self, call: Call, *, forget: bool = True) -> None:
        if call.phase is Phase.ENDED:
            return
        call.phase = Phase.ENDED
        if forget:
            self._calls_off(call)
        self._later(_FORGET_S + _GIVE_UP_S, lambda: self._forget(call))
        self._on_ended(call)

    def _forget(self, call: Call) -> None:
        self._calls_off(call)
        self._calls.pop(call.invite.call_id, None)

    def _calls_off(self, call: Call) -> None:
        for timer in call.timers:
            timer.cancel()
        call.timers.clear()
