"""A dialog: who is who, the way to the far end, and requests in it (RFC 3261 §12).

It also stands for the dialog-to-be of an INVITE not yet answered, for CANCEL and ACK follow from
the same data. As octets it outlives the process: a later life ends what an earlier one began.
"""

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Final, Literal

import msgspec

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.uri import SipUri, default_port, parse_address, parse_uri

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NOWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - an address not to send to
MAX_ROUTES: Final = 20
"""Longest route set taken."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What requests of this user agent say of it.

    Attributes:
        sent_by: Host and port of Via.
        contact: Value of Contact.
        agent: Value of User-Agent.
        streams: The same over other transports than UDP, by their name in Via.
    """

    sent_by: str
    contact: str
    agent: str
    streams: "dict[str, Origin]" = {}

    def over(self, transport: str) -> "Origin":
        """Return what requests over a transport say."""
        return self if transport == "UDP" else self.streams.get(transport, self)


class Dialog:
    """One dialog, ours to send requests in.

    Attributes:
        call_id: Call-ID.
        local: Our From or To with our tag, as a header's value.
        remote: The far end's, with its tag once there is one.
        local_tag: Our tag.
        remote_tag: Its tag, empty before there is one.
        target: Remote target: Request-URI of requests.
        routes: Route set, in order of travel.
        destination: Where the first INVITE went, or came from.
        hop: Where requests go.
        pinned: Whether requests go to ``destination`` whatever the target says: a phone behind NAT.
        cseq: Our last CSeq.
        remote_cseq: The far end's last CSeq, -1 before its first.
        salt: What branches begin with.
        branches: Branches used.
    """

    __slots__ = (
        "branches",
        "call_id",
        "cseq",
        "destination",
        "hop",
        "local",
        "local_tag",
        "origin",
        "pinned",
        "remote",
        "remote_cseq",
        "remote_tag",
        "routes",
        "salt",
        "target",
    )

    def __init__(
        self,
        origin: Origin,
        call_id: str,
        local: str,
        local_tag: str,
        remote: str,
        target: str,
        destination: Destination,
        salt: str,
        pinned: bool = False,
    ) -> None:
        self.origin = origin
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = ""
        self.target = target
        self.routes: tuple[str, ...] = ()
        self.destination = destination
        self.hop = destination
        self.pinned = pinned
        self.cseq = 0
        self.remote_cseq = -1
        self.salt = salt
        self.branches = 0

    def next_branch(self) -> str:
        """Return a branch not used before in this dialog."""
        branch = f"{self.salt}{self.branches}"
        self.branches += 1
        return branch

    def build(
        self,
        method: str,
        branch: str,
        cseq: int,
        extra: str = "",
        body: bytes = b"",
        remote: str = "",
    ) -> bytes:
        """Return a request of this dialog (RFC 3261 §12.2.1.1).

        Args:
            method: Method.
            branch: Branch; ACK to other than 2xx and CANCEL repeat their INVITE's.
            cseq: CSeq number.
            extra: More headers, each with its line end.
            body: Body; its Content-Type stands in ``extra``.
            remote: To, where it is not the dialog's: ACK repeats that of the response.
        """
        transport = self.hop.transport
        origin = self.origin if transport == "UDP" else self.origin.over(transport)
        uri, route = self._way()
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport} {origin.sent_by};branch={branch};rport\r\n"
            f"{route}Max-Forwards: 70\r\nFrom: {self.local}\r\nTo: {remote or self.remote}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"{extra}User-Agent: {origin.agent}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode("utf-8", "surrogateescape") + body

    @property
    def contact(self) -> str:
        """Where the far end reaches us, by the transport that we reach it (RFC 5630 §5.1.2)."""
        return self.origin.over(self.hop.transport).contact

    @property
    def uri(self) -> str:
        """Request-URI that a request of this dialog has now."""
        return self._way()[0]

    def _way(self) -> tuple[str, str]:
        """Return Request-URI and Route header; a strict first router takes the URI's place."""
        routes = self.routes
        if not routes:
            return self.target, ""
        first = parse_address(routes[0]).uri
        if parse_uri(first).is_loose:
            return self.target, f"Route: {', '.join(routes)}\r\n"
        return first, f"Route: {', '.join((*routes[1:], f'<{self.target}>'))}\r\n"

    def establish(self, response: Response) -> None:
        """Take the far end's side from a response to our INVITE (RFC 3261 §12.1.2).

        Raises:
            ParseError: Its Record-Route or Contact is malformed.
        """
        routes = response.every("record-route") if "record-route" in response.headers else []
        self._set_routes(routes[::-1])
        self.remote = response.headers["to"][0]
        self.remote_tag = response.to_tag
        self.refresh_target(response.first("contact"))

    def accept(self, request: Request, to_value: str) -> None:
        """Take the far end's side from an INVITE to us (RFC 3261 §12.1.1).

        Args:
            request: The INVITE.
            to_value: Its To with our tag.

        Raises:
            ParseError: Its Record-Route or Contact is malformed.
        """
        self.local = to_value
        self.remote = request.headers["from"][0]
        self.remote_tag = request.from_tag
        self.remote_cseq = request.cseq
        self._set_routes(request.every("record-route"))
        self.refresh_target(request.first("contact"))

    def refresh_target(self, contact: str) -> None:
        """Take a new remote target from a Contact (RFC 3261 §12.2.1.2); none changes nothing.

        Raises:
            ParseError: It is malformed.
        """
        if contact:
            uri = parse_address(contact).uri
            parse_uri(uri)
            self.target = uri
        self._find_hop()

    def _set_routes(self, routes: list[str]) -> None:
        if len(routes) > MAX_ROUTES:
            raise ParseError("route set too long")
        for route in routes:
            parse_uri(parse_address(route).uri)
        self.routes = tuple(routes)

    def _find_hop(self) -> None:
        """Find where requests go: the first route or the target (RFC 3261 §8.1.2).

        Only addresses of the INVITE's own family are followed. A name would need a resolver, and
        another family another socket; the way the INVITE took is then the better guess, and for
        pinned dialogs the only one.
        """
        if self.pinned or self.destination.is_flow:
            return
        uri = parse_uri(parse_address(self.routes[0]).uri if self.routes else self.target)
        if _is_reachable(uri.host.strip("[]"), self.destination.host):
            self.hop = _next_hop(uri, self.destination)
        else:
            self.hop = self.destination

    def to_bytes(self) -> bytes:
        """Return the dialog as octets, whatever octets the far end put into its names."""
        try:
            return self._encode(1, lambda text: text)
        except UnicodeEncodeError:
            return self._encode(2, _octets_as_text)

    def _encode(self, version: int, clean: Callable[[str], str]) -> bytes:
        return msgspec.msgpack.encode(
            (
                version,
                clean(self.call_id),
                clean(self.local),
                self.local_tag,
                clean(self.remote),
                clean(self.remote_tag),
                clean(self.target),
                tuple(map(clean, self.routes)),
                self.destination[:3],
                self.hop[:3],
                self.pinned,
                self.cseq,
                self.remote_cseq,
                self.salt,
                self.branches,
                self.hop.link,
            )
        )

    @classmethod
    def from_bytes(cls, state: bytes, origin: Origin) -> "Dialog":
        """Return a dialog of an earlier life.

        Raises:
            ParseError: The octets are no dialog, or a newer version's.
        """
        try:
            stored = msgspec.msgpack.decode(state, type=_Stored)
        except msgspec.MsgspecError as error:
            raise ParseError("no stored dialog") from error
        clean = _text_of_octets if stored.version == 2 else str
        link = "#gone" if stored.link.startswith("#") else stored.link  # a flow ends with its life
        dialog = cls(
            origin,
            clean(stored.call_id),
            clean(stored.local),
            stored.local_tag,
            clean(stored.remote),
            clean(stored.target),
            Destination(*stored.destination, link),
            stored.salt,
            stored.pinned,
        )
        dialog.remote_tag = clean(stored.remote_tag)
        dialog.routes = tuple(map(clean, stored.routes))
        dialog.hop = Destination(*stored.hop, link)
        dialog.cseq = stored.cseq
        dialog.remote_cseq = stored.remote_cseq
        dialog.branches = stored.branches
        return dialog


class _Stored(msgspec.Struct, array_like=True):
    """A dialog as octets; fields are only ever added at the end.

    In version 2 each character of the far end's texts stands for an octet: they were not UTF-8.
    """

    version: Literal[1, 2]
    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    destination: tuple[str, int, str]
    hop: tuple[str, int, str]
    pinned: bool
    cseq: int
    remote_cseq: int
    salt: str
    branches: int
    link: str = ""


def _octets_as_text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _text_of_octets(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ParseError("no stored dialog") from error


def _is_reachable(host: str, known: str) -> bool:
    """Say whether a host is an address that the socket which reached a known one can send to."""
    if host in _NOWHERE:
        return False
    if ":" not in known:
        return bool(_IPV4.fullmatch(host))
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _next_hop(uri: SipUri, sent: Destination) -> Destination:
    """Return where a numeric URI is reached (RFC 3263 §4.1, §4.2), seen from the INVITE's way.

    The far end's word on the transport is followed, but never from TLS down to less. Where it says
    none the INVITE's transport stays, and the connection in use if the URI's host is its end.
    """
    host = uri.host.strip("[]")
    told = uri.transport
    if sent.transport == "UDP" and told in ("", "UDP"):
        return Destination(host, uri.port or 5060)
    if sent.transport == "TLS" and told != "TLS":
        port = uri.port if uri.port and not told else 5061
        return sent if host == sent.host else Destination(host, port, "TLS", sent.link)
    transport = told if told in ("UDP", "TCP", "TLS") else sent.transport
    if not told and host == sent.host and not uri.port:
        return sent
    link = sent.link if transport == sent.transport else ""
    return Destination(host, uri.port or default_port(transport), transport, link)
