"""A carrier that plays a part per call and is a witness of what came of each.

Written anew from RFC 3261, without the engine's code; it sends again what is not acknowledged.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from engine.domain.specs import TrunkSpec
from engine.ports import SetTrunk
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.test_adapter import TRUNK, Station

T1_S: Final = 0.5
_TRIES: Final = 11
Address = tuple[str, int]


@dataclass(slots=True, eq=False)
class Call:
    """One call as the carrier sees it.

    Attributes:
        call_id: Its Call-ID.
        part: What the called party does.
        invite: The INVITE, as it came.
        source: Where from.
        tag: Our tag.
        their_tag: The caller's.
        invites: INVITEs with a branch of their own.
        acked: Whether our answer was acknowledged.
        over: Whether nothing of it is left here.
    """

    call_id: str
    part: str
    invite: bytes
    source: Address
    tag: str
    their_tag: str
    invites: set[bytes] = field(default_factory=set)
    answer: bytes = b""
    status: int = 0
    acked: bool = False
    over: bool = False
    timer: asyncio.TimerHandle | None = None


class Carrier(asyncio.DatagramProtocol):
    """The far end; see ``PARTS`` in ``_begin`` for what a called party may do.

    Attributes:
        address: Host and port bound.
        shown: Address in Contact, if it is reached through somebody else.
        calls: All calls by Call-ID.
        heard: All requests that came.
        audio: Where called parties say that they listen.
        elsewhere: Contact of a redirect.
        idle: Set while no call is open.
        cancelled_s: When the last CANCEL came. [s of the loop's clock]
    """

    def __init__(self, decide: Callable[[int], str]) -> None:
        self.address: Address = ("", 0)
        self.shown: Address | None = None
        self.calls: dict[str, Call] = {}
        self.heard: list[bytes] = []
        self.audio: Address = ("127.0.0.1", 9)
        self.elsewhere = ""
        self.keeps = True
        self.idle = asyncio.Event()
        self._decide = decide
        self._loop = asyncio.get_running_loop()
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._cseq = 100
        self.begun = 0
        self.cancelled_s = 0.0
        self.open = 0
        self.most_invites = 0

    # --- asyncio.DatagramProtocol ----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is no subclass
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take a message."""
        if data.startswith(b"SIP/"):
            self._on_response(data)
            return
        if self.keeps:
            self.heard.append(data)
        method = data.partition(b" ")[0]
        call = self.calls.get(_header(data, "Call-ID"))
        if method == b"OPTIONS":
            self._send(_reply(data, 200, "opt"), addr)
        elif method == b"INVITE":
            self._on_invite(data, addr, call)
        elif method == b"ACK" and call:
            self._on_ack(call, data)
        elif method == b"CANCEL":
            self.cancelled_s = self._loop.time()
            self._send(_reply(data, 200 if call else 481, call.tag if call else "x"), addr)
            if call and call.status < 200:
                self._answer(call, 487)
        elif method == b"BYE":
            self._on_bye(data, addr, call)

    # --- what tests ask ---------------------------------------------------------------------

    async def request(self, method: str, *headers: str) -> bytes:
        """Send a request inside the only open call; return the answer to it."""
        (call,) = [each for each in self.calls.values() if not each.over]
        self._cseq += 1
        octets = self._inside(call, method, self._cseq, headers)
        self._send(octets, call.source)
        return await asyncio.wait_for(self._replies.get(), LONGEST_S)

    async def challenge_reinvite(self, own: Station) -> None:
        """Have the engine hold the only open call; it is challenged for another realm."""
        from engine.telephony.sip.sdp import Direction

        leg_id = next(iter(own.telephony._user_agent._core.legs))
        leg = own.telephony._user_agent._core.legs[leg_id]
        own.telephony._user_agent.offer(leg_id, Direction.SENDONLY, own.now())
        own.telephony._transport.rearm()
        async with asyncio.timeout(LONGEST_S):
            while leg.reoffer is None or leg.reoffer._invite is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # the refusal is told to nobody

    # --- calls -------------------------------------------------------------------------------

    def _on_invite(self, invite: bytes, source: Address, call: Call | None) -> None:
        if call is not None and b";tag=" in _header(invite, "To").encode():
            self._on_reinvite(invite, source, call)
            return
        branch = _header(invite, "Via").encode()
        if call is None:
            self.begun += 1
            tag = f"c{self.begun}"
            theirs = _header(invite, "From").partition(";tag=")[2]
            part = self._decide(self.begun)
            call = Call(_header(invite, "Call-ID"), part, invite, source, tag, theirs)
            self.calls[call.call_id] = call
            self.open += 1
            self.idle.clear()
        elif branch in call.invites:
            if call.answer:
                self._send(call.answer, call.source)
            return
        call.invites.add(branch)
        self.most_invites = max(self.most_invites, len(call.invites))
        call.invite, call.source = invite, source
        self._begin(call)

    def _begin(self, call: Call) -> None:
        part = call.part
        if part == "greedy":
            signed = b"uthorization:" in call.invite
            self._answer(call, 200 if signed else 401)
        elif part == "redirect":
            self._answer(call, 302)
        elif part.isdigit():
            self._answer(call, int(part))
        elif part == "rings":
            self._provisional(call, 180)
        elif part == "junk":
            self._send(b"SIP/2.0 180 Ringing\r\n\r\n" + bytes(range(256)), call.source)
            self._answer(call, 200, body=b"v=0\r\nm=audio x RTP/AVP 0\r\n")
        elif part == "no audio":
            self._answer(call, 200, body=b"")
        else:  # "answers", "hangs up"
            self._provisional(call, 180)
            self._answer(call, 200)

    def _on_reinvite(self, invite: bytes, source: Address, call: Call) -> None:
        if call.part != "greedy":
            self._send(_reply(invite, 488, call.tag), source)
            return
        challenge = 'WWW-Authenticate: Digest realm="elsewhere", nonce="9", qop="auth"'
        self._send(_reply(invite, 401, call.tag, challenge), source)

    def _provisional(self, call: Call, status: int) -> None:
        call.status = status
        call.answer = _reply(call.invite, status, call.tag)
        self._send(call.answer, call.source)

    def _answer(self, call: Call, status: int, body: bytes | None = None) -> None:
        headers = {
            401: 'WWW-Authenticate: Digest realm="carrier", nonce="1", qop="auth"',
            302: f"Contact: {self.elsewhere}",
            503: "Retry-After: 1",
        }
        extra = headers.get(status, "")
        if status == 200:
            host, port = self.shown or self.address
            extra = f"Contact: <sip:far@{host}:{port}>\r\nContent-Type: application/sdp"
        sdp = self._description() if body is None and status == 200 else body or b""
        call.status, call.acked = status, False
        call.answer = _reply(call.invite, status, call.tag, extra, sdp)
        self._repeat(call, call.answer, 0, lambda: call.acked)

    def _on_ack(self, call: Call, ack: bytes) -> None:
        if call.acked or _header(ack, "CSeq").split()[0] != _header(call.invite, "CSeq").split()[0]:
            return
        call.acked = True
        if call.status >= 300 and call.status != 401:
            self._end(call)
        elif call.status == 200 and call.part == "hangs up":
            self._cseq += 1
            bye = self._inside(call, "BYE", self._cseq, ("Reason: Q.850;cause=16",))
            call.timer = None
            self._repeat(call, bye, 0, lambda: call.over)

    def _on_bye(self, bye: bytes, source: Address, call: Call | None) -> None:
        if call is not None and call.part == "greedy":
            challenge = 'WWW-Authenticate: Digest realm="carrier", nonce="2", qop="auth"'
            self._send(_reply(bye, 401, call.tag, challenge), source)
        else:
            self._send(_reply(bye, 200 if call else 481, call.tag if call else "x"), source)
        if call is not None:
            call.acked = True
            self._end(call)

    def _on_response(self, response: bytes) -> None:
        if _header(response, "CSeq").endswith("BYE"):
            call = self.calls.get(_header(response, "Call-ID"))
            if call is not None:
                self._end(call)
        else:
            self._replies.put_nowait(response)

    def _end(self, call: Call) -> None:
        if not call.over:
            call.over = True
            self.open -= 1
            if not self.keeps:
                del self.calls[call.call_id]
        if call.timer is not None:
            call.timer.cancel()
        if not self.open:
            self.idle.set()

    def _repeat(self, call: Call, octets: bytes, tries: int, done: Callable[[], bool]) -> None:
        """Send, and again until it is acknowledged."""
        if tries == 0 and call.timer is not None:
            call.timer.cancel()
        if tries < _TRIES and not done():
            self._send(octets, call.source)
            wait_s = min(T1_S * 2**tries, 4.0)
            call.timer = self._loop.call_later(wait_s, self._repeat, call, octets, tries + 1, done)

    def _inside(self, call: Call, method: str, cseq: int, headers: tuple[str, ...]) -> bytes:
        host, port = self.shown or self.address
        target = _header(call.invite, "Contact").strip("<>")
        lines = (
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{call.tag}{cseq};rport",
            f"From: {_header(call.invite, 'To')};tag={call.tag}",
            f"To: {_header(call.invite, 'From')}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
            *headers,
            "Content-Length: 0",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def _description(self) -> bytes:
        host, port = self.audio
        return (
            f"v=0\r\no=far 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\n"
        ).encode()

    def _send(self, octets: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(octets, to)


def _header(octets: bytes, name: str) -> str:
    found = octets.partition(f"\r\n{name}: ".encode())[2].partition(b"\r\n")[0]
    return found.decode()


def _reply(request: bytes, status: int, tag: str, extra: str = "", body: bytes = b"") -> bytes:
    to_value = _header(request, "To")
    lines = [
        f"SIP/2.0 {status} Status",
        f"Via: {_header(request, 'Via')}",
        f"From: {_header(request, 'From')}",
        f"To: {to_value}" if ";tag=" in to_value else f"To: {to_value};tag={tag}",
        f"Call-ID: {_header(request, 'Call-ID')}",
        f"CSeq: {_header(request, 'CSeq')}",
        *([extra] if extra else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def carrier(decide: Callable[[int], str] = lambda _: "answers") -> AsyncIterator[Carrier]:
    """Run a carrier.

    Args:
        decide: Says what the called party of a call does, by the call's number from 1.
    """
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(
        lambda: Carrier(decide), local_addr=("127.0.0.1", 0)
    )
    try:
        yield made
    finally:
        for call in made.calls.values():
            if call.timer is not None:
                call.timer.cancel()
        transport.close()


def set_carrier(own: Station, far: Carrier, **more: object) -> None:
    """Make a carrier the trunk of a station."""
    host, port = far.shown or far.address
    values = {"trunk_id": TRUNK, "address": f"{host}:{port}", "options_s": 0.0}
    spec = TrunkSpec(**(values | more))  # type: ignore[arg-type]  # a test's own settings
    own.telephony.perform(SetTrunk(spec), own.now())
