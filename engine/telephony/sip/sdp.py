"""SDP for telephone audio: an offer made, an offer answered, an answer read (RFC 3264, RFC 8866).

Spoken here are PCMU, PCMA and telephone-event (RFC 3551 §6, RFC 4733). Other media lines of an
offer are refused one by one with port 0, as RFC 3264 §6 asks.
"""

from enum import StrEnum
from typing import Final

import msgspec

from engine.domain.specs import Need
from engine.telephony.sip.grammar import ParseError, parse_number
from engine.telephony.sip.sdes import MOST_LINES, CryptoLine, Security, parse_crypto

PCMU: Final = 0
PCMA: Final = 8
"""Static payload types (RFC 3551 §6)."""
EVENT: Final = 101
"""Payload type we offer for telephone-event."""
MAX_OCTETS: Final = 16_384
"""Longest description read."""


class Direction(StrEnum):
    """Who sends (RFC 3264 §5.1), seen from the side whose description it stands in."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


_REVERSED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}
_BY_ATTRIBUTE = {f"a={direction}": direction for direction in Direction}
_NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - an address not to send to
_PLAIN = ("RTP/AVP", "RTP/AVPF")
_ENCRYPTED = ("RTP/SAVP", "RTP/SAVPF")
_NAMES = {PCMU: "PCMU", PCMA: "PCMA"}


class LocalMedia(msgspec.Struct, frozen=True, gc=False):
    """Our end of a leg's audio.

    Attributes:
        host: Address RTP is received at.
        port: UDP port RTP is received at.
        codecs: Payload types spoken, by preference.
        security: How it is to be encrypted.
    """

    host: str
    port: int
    codecs: tuple[int, ...] = (PCMU, PCMA)
    security: Security = Security()


class RemoteMedia(msgspec.Struct, frozen=True, gc=False):
    """The far end's audio, as its description says.

    Attributes:
        host: Address it receives RTP at.
        port: Its UDP port; 0 if it takes no audio.
        codecs: Payload types of ours that it takes, by its preference.
        event: Its payload type for telephone-event, -1 if it has none.
        direction: Its direction; a connection address of 0.0.0.0 counts as held (RFC 3264 §8.4).
        lines: Each media line's kind and format part, to be answered in order.
        audio: Position of the audio line in ``lines``, -1 if there is none.
        encrypted: Whether its profile allows encrypted audio only (RFC 3711 §12).
        crypto: Its crypto lines that we understand, by its preference.
    """

    host: str
    port: int
    codecs: tuple[int, ...]
    event: int = -1
    direction: Direction = Direction.SENDRECV
    lines: tuple[str, ...] = ()
    audio: int = -1
    encrypted: bool = False
    crypto: tuple[CryptoLine, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether audio can flow: a codec in common and a port."""
        return self.port > 0 and bool(self.codecs)

    @property
    def held(self) -> bool:
        """Whether the far end asks us not to send to it."""
        return self.direction in (Direction.SENDONLY, Direction.INACTIVE)


def offer(
    local: LocalMedia,
    session: int,
    version: int,
    direction: Direction = Direction.SENDRECV,
    *,
    encrypted: bool = False,
) -> bytes:
    """Return an offer of G.711 audio and telephone-event (RFC 3264 §5).

    Audio that must be encrypted has the profile that says so. Where encryption is only offered, the
    keys stand beside the plain profile: who does not know them passes them over, and nobody has to
    ask twice (RFC 8643 §3).

    Args:
        local: Our end.
        session: Session id, the same for the life of the leg.
        version: Session version, one more with each change (RFC 3264 §8).
        direction: Whether we hold the far end.
        encrypted: Whether the far end has used the profile of encrypted audio.
    """
    security = local.security
    encrypted |= security.need is Need.REQUIRED
    profile = _ENCRYPTED[0] if encrypted else _PLAIN[0]
    keys = "".join(line.written() for line in security.lines)
    body = _audio_line(local, local.codecs, EVENT, direction, profile, keys)
    return (_session_lines(local, session, version) + body).encode()


def answer(
    local: LocalMedia,
    remote: RemoteMedia,
    session: int,
    version: int,
    wanted: Direction = Direction.SENDRECV,
) -> bytes | None:
    """Return the answer to an offer, or None if nothing of it can be used (RFC 3264 §6).

    Args:
        local: Our end.
        remote: The offer as read.
        session: Session id.
        version: Session version.
        wanted: Our own direction; the answer's is no wider than the offer allows.
    """
    codecs = tuple(codec for codec in remote.codecs if codec in local.codecs)
    if not codecs or remote.port == 0 or not _same_family(local.host, remote.host):
        return None
    security = local.security
    chosen = security.choose(remote.crypto)
    if chosen is None and (remote.encrypted or security.need is Need.REQUIRED):
        return None
    keys = chosen[0].written(chosen[1].tag) if chosen else ""
    parts = [_session_lines(local, session, version)]
    for position, line in enumerate(remote.lines):
        if position == remote.audio:
            profile, direction = line.split()[1], narrow(remote.direction, wanted)
            parts.append(_audio_line(local, codecs, remote.event, direction, profile, keys))
        else:
            kind, _, rest = line.partition(" ")
            parts.append(f"m={kind} 0 {rest}\r\n")
    return "".join(parts).encode("utf-8", "surrogateescape")


def narrow(offered: Direction, wanted: Direction) -> Direction:
    """Return our widest direction that an offer and our own wish allow (RFC 3264 §6.1)."""
    allowed = _REVERSED[offered]
    if allowed is Direction.SENDRECV:
        return wanted
    if wanted is Direction.SENDRECV or wanted is allowed:
        return allowed
    return Direction.INACTIVE


def parse(body: bytes, *, secured: bool = False) -> RemoteMedia:
    """Read an offer or an answer (RFC 8866 §5).

    Only the first audio line over RTP/AVP with a codec of ours is used, or over RTP/SAVP where
    encrypted audio is spoken; DTLS is another profile, and is not.

    Args:
        body: The description.
        secured: Whether encrypted audio is spoken: keys are read, too.

    Raises:
        ParseError: It is malformed; an element answers 400, or 488 to an offer.
    """
    if len(body) > MAX_OCTETS:
        raise ParseError("description too long")
    reader = _Reader(secured)
    for line in body.decode("utf-8", "surrogateescape").splitlines():
        reader.read(line)
    return reader.result()


class _Reader:
    """Collects what a description says, line by line."""

    __slots__ = (
        "audio",
        "crypto",
        "direction",
        "encrypted",
        "event",
        "host",
        "lines",
        "names",
        "offered",
        "port",
        "secured",
        "session",
    )

    def __init__(self, secured: bool) -> None:
        self.secured = secured
        self.encrypted = False
        self.crypto: list[CryptoLine] = []
        self.session = ""  # connection address of the session
        self.host = ""
        self.port = 0
        self.offered: list[int] = []
        self.names: dict[int, str] = dict(_NAMES)
        self.event = -1
        self.direction = Direction.SENDRECV
        self.lines: list[str] = []
        self.audio = -1

    def read(self, line: str) -> None:
        """Take one line; lines of media that are not ours are passed over."""
        kind = line[:2]
        if kind == "a=":
            if not self.lines or self.audio == len(self.lines) - 1:
                self._attribute(line)
        elif kind == "m=":
            self._media(line[2:])
        elif kind == "c=":
            self._connection(line[2:])
        elif kind[1:] != "=" and line:
            raise ParseError("malformed description")

    def _media(self, text: str) -> None:
        parts = text.split()
        if len(parts) < 4:
            raise ParseError("malformed media line")
        kind, port, profile, *formats = parts
        self.lines.append(f"{kind} {profile} {' '.join(formats)}")
        number = parse_number(port.partition("/")[0], 65_535)
        known = profile in _PLAIN or (self.secured and profile in _ENCRYPTED)
        if kind != "audio" or not known or number == 0 or self.port:
            return
        self.encrypted = profile in _ENCRYPTED
        self.audio = len(self.lines) - 1
        self.port = number
        self.offered = [parse_number(each, 127) for each in formats[:32]]

    def _connection(self, text: str) -> None:
        parts = text.split()
        if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
            raise ParseError("malformed connection line")
        host = parts[2].partition("/")[0]
        if not self.lines:
            self.session = host
        elif self.audio == len(self.lines) - 1:
            self.host = host

    def _attribute(self, line: str) -> None:
        direction = _BY_ATTRIBUTE.get(line)
        if direction is not None:
            self.direction = direction
        elif line.startswith("a=crypto:"):
            self._key(line[9:])
        elif line.startswith("a=rtpmap:"):
            number, _, name = line[9:].partition(" ")
            payload = parse_number(number, 127)
            encoding = name.strip().upper()
            self.names[payload] = encoding.removesuffix("/1").removesuffix("/8000")
            if encoding == "TELEPHONE-EVENT/8000" and payload in self.offered:
                self.event = payload

    def _key(self, value: str) -> None:
        """Take a crypto line of our audio, unless it is not understood (RFC 4568 §7.1.2)."""
        line = parse_crypto(value) if self.secured and self.lines else None
        if line is not None and len(self.crypto) < MOST_LINES:
            self.crypto.append(line)

    def result(self) -> RemoteMedia:
        """Return what was read.

        A dynamic payload type mapped to PCMU or PCMA is not ours: the switch speaks the static
        ones, which every offerer of G.711 lists (RFC 3551 §6).
        """
        host = self.host or self.session
        if self.port and not host:
            raise ParseError("description without connection address")
        direction = self.direction
        if host in _NOWHERE:  # held in the manner of RFC 2543
            recv = direction in (Direction.SENDRECV, Direction.SENDONLY)
            direction = Direction.SENDONLY if recv else Direction.INACTIVE
        codecs = tuple(
            each for each in self.offered if self.names.get(each) == _NAMES.get(each, "-")
        )
        return RemoteMedia(
            host,
            self.port,
            codecs,
            self.event,
            direction,
            tuple(self.lines),
            self.audio,
            self.encrypted,
            tuple(self.crypto),
        )


def _same_family(ours: str, theirs: str) -> bool:
    """Say whether our address can reach theirs: IPv4 and IPv6 are two networks (RFC 6157 §4)."""
    return theirs in _NOWHERE or (":" in ours) == (":" in theirs)


def _session_lines(local: LocalMedia, session: int, version: int) -> str:
    family = "IP6" if ":" in local.host else "IP4"
    return (
        f"v=0\r\no=- {session} {version} IN {family} {local.host}\r\ns=-\r\n"
        f"c=IN {family} {local.host}\r\nt=0 0\r\n"
    )


def _audio_line(
    local: LocalMedia,
    codecs: tuple[int, ...],
    event: int,
    direction: Direction,
    profile: str,
    keys: str,
) -> str:
    formats = " ".join(str(codec) for codec in codecs)
    names = "".join(f"a=rtpmap:{codec} {_NAMES[codec]}/8000\r\n" for codec in codecs)
    if event >= 0:
        formats = f"{formats} {event}"
        names += f"a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\n"
    return (
        f"m=audio {local.port} {profile} {formats}\r\n{keys}{names}a=ptime:20\r\na={direction}\r\n"
    )
