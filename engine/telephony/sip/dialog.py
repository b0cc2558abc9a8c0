"""A dialog: who is who, the way to the far end, and requests in it (RFC 3261 §12).

It also stands for the dialog-to-be of an INVITE not yet answered, for CANCEL and ACK follow from
the same data.
"""

from typing import Final

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.next_hop import is_reachable, next_hop
from engine.telephony.sip.origin import Origin
from engine.telephony.sip.uri import parse_address, parse_uri

MAX_ROUTES: Final = 20
"""Longest route set taken."""


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
        if is_reachable(uri.host.strip("[]"), self.destination.host):
            self.hop = next_hop(uri, self.destination)
        else:
            self.hop = self.destination
