"""A PBX that pyVoIP can cope with: it registers phones by digest, and plays a part by number.

It knows a call by its Call-ID alone, as lenient PBXs do: the library acknowledges with a tag of its
own making. At some numbers the library hangs, so that it is seen what the engine makes of that.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from typing import Self

from clients.demo import sip
from clients.demo.rtp import Voice, Voices

HOST = "127.0.0.1"
REALM, NONCE = "lab", "0123456789abcdef"
USER, PASSWORD = "paceline", "secret"
ANSWERS, CHALLENGES, HANGS_UP = "+14155550100", "+14155550401", "+14155550200"
RINGS, ANSWERS_LATE, NOT_FOUND = "+14155550180", "+14155550181", "+14155550404"
SILENT, EARLY_MEDIA, BUSY = "+14155550000", "+14155550183", "+14155550486"
"""Numbers with a part of their own; any other is answered like the first."""
SPEAKS_HZ, HEARS_HZ = 850, 1200
LATE_S = 3.0


@dataclass(eq=False, slots=True)
class LabCall:
    """One call.

    Attributes:
        invite: Its INVITE.
        source: Where that came from.
        voice: The called party, once it answered.
        state: ``ringing``, ``answered``, ``acknowledged``, ``released`` (by the phone) or ``over``.
    """

    invite: sip.Message
    source: tuple[str, int]
    voice: Voice | None = None
    state: str = "ringing"

    @property
    def number(self) -> str:
        """The called number."""
        return sip.user_in(self.invite.uri)


@dataclass(eq=False)
class LabPbx(asyncio.DatagramProtocol):
    """The PBX.

    Attributes:
        calls: By Call-ID.
        registered: Where phones are registered.
        refuses: Whether it lets nobody register.
    """

    calls: dict[str, LabCall] = field(default_factory=dict)
    registered: list[tuple[str, int]] = field(default_factory=list)
    refuses: bool = False

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._voices = Voices()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        self.port: int = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
        for call in self.calls.values():
            self._quiet(call)
        await self._voices.stop()

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{HOST}:{self.port}"

    def of(self, number: str) -> list[LabCall]:
        """Return the calls to a number, in order."""
        return [call for call in self.calls.values() if call.number == number]

    def hang_up(self, call: LabCall) -> None:
        """Let the called party hang up."""
        contact = sip.uri_in(call.invite.first("contact"))
        headers = [
            ("Via", f"SIP/2.0/UDP {self.address};branch=z9hG4bKbye{len(self.calls)}"),
            ("From", f"{call.invite.first('to')};tag=pbx"),
            ("To", call.invite.first("from")),
            ("Call-ID", call.invite.call_id),
            ("CSeq", "1 BYE"),
        ]
        self._send(sip.write(f"BYE {contact} SIP/2.0", headers), call.source)
        self._over(call, "over")

    def datagram_received(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Take a message."""
        message = sip.parse(datagram)
        if message.status:
            return
        if message.method == "REGISTER":
            self._register(message, source)
        elif message.method == "INVITE":
            self._invite(message, source)
        elif call := self.calls.get(message.call_id):
            if message.method == "ACK" and call.state == "answered":
                call.state = "acknowledged"
            elif message.method == "BYE":
                self._send(sip.respond(message, 200), source)
                self._over(call, "released")

    def _register(self, message: sip.Message, source: tuple[str, int]) -> None:
        if self.refuses or not proves(message):
            self._send(challenge(message), source)
            return
        if message.first("expires") != "0":
            self.registered.append(source)
        self._send(sip.respond(message, 200, tag="pbx"), source)

    def _invite(self, message: sip.Message, source: tuple[str, int]) -> None:
        number = sip.user_in(message.uri)
        if number == CHALLENGES and not proves(message):
            self._send(challenge(message), source)
            return
        if message.call_id in self.calls:
            return
        call = self.calls[message.call_id] = LabCall(message, source)
        if number not in (SILENT, EARLY_MEDIA, BUSY):
            self._answer_with(call, 100)
        self._play(call, number)

    def _play(self, call: LabCall, number: str) -> None:
        later = asyncio.get_running_loop().call_later
        match number:
            case n if n == ANSWERS_LATE:
                self._answer_with(call, 180)
                later(LATE_S, self._answer, call)
            case n if n == RINGS:
                self._answer_with(call, 180)
            case n if n == NOT_FOUND:
                later(0.1, self._answer_with, call, 404)
            case n if n == EARLY_MEDIA:
                self._answer_with(call, 183)
            case n if n == BUSY:
                self._answer_with(call, 486)
            case n if n != SILENT:
                self._answer_with(call, 180)
                later(0.1, self._answer, call)

    def _answer(self, call: LabCall) -> None:
        """Answer, again and again until it is acknowledged (RFC 3261 §13.3.1.4)."""
        if call.state not in ("ringing", "answered"):
            return
        if call.voice is None:
            call.state = "answered"
            call.voice = self._voices.open(HOST, SPEAKS_HZ, HEARS_HZ, lambda: None)
            assert call.voice is not None
            call.voice.speak_to(sip.audio_in(call.invite.body))
            if call.number == HANGS_UP:
                asyncio.get_running_loop().call_later(1.0, self.hang_up, call)
        description = sip.describe(HOST, call.voice.port)
        contact = f"sip:{call.number}@{self.address}"
        answer = sip.respond(call.invite, 200, tag="pbx", contact=contact, body=description)
        self._send(answer, call.source)
        asyncio.get_running_loop().call_later(0.5, self._answer, call)

    def _answer_with(self, call: LabCall, status: int) -> None:
        if call.state == "ringing":
            self._send(respond(call.invite, status), call.source)

    def _over(self, call: LabCall, state: str) -> None:
        call.state = state
        self._quiet(call)

    def _quiet(self, call: LabCall) -> None:
        if call.voice is not None:
            self._voices.close(call.voice)
            call.voice = None

    def _send(self, octets: bytes, source: tuple[str, int]) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(octets, source)


def respond(request: sip.Message, status: int, more: str = "") -> bytes:
    """Return a response without a body, of any status, with more header lines."""
    _, _, rest = sip.respond(request, 180, tag="pbx").partition(b"\r\n")
    return f"SIP/2.0 {status} Lab\r\n{more}".encode() + rest


def challenge(request: sip.Message) -> bytes:
    """Return 401 with a challenge."""
    line = f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5\r\n'
    return respond(request, 401, line)


def proves(request: sip.Message) -> bool:
    """Say whether a request carries the right digest (RFC 2617 §3.2.2.1, without qop)."""
    params = dict(re.findall(r'(\w+)="?([^",]*)"?', request.first("authorization")))
    ha1, ha2 = md5(f"{USER}:{REALM}:{PASSWORD}"), md5(f"{request.method}:{params.get('uri')}")
    return params.get("response") == md5(f"{ha1}:{NONCE}:{ha2}")


def md5(text: str) -> str:
    """Return the digest of a text in hex."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
