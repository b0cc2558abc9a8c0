"""What all legs of one user agent share: its names, its timers, its ways out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import AnyEvent
from engine.telephony.sip.message import Request
from engine.telephony.sip.origin import Origin
from engine.telephony.sip.responses import build_response, response_destination
from engine.telephony.sip.server_transaction import Server
from engine.telephony.sip.timers import TimerQueue
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.transactions import Transactions

if TYPE_CHECKING:
    from engine.telephony.sip.leg import Leg

MaySend = Callable[[str], bool]
"""Says, as an INVITE of a leg is about to leave, whether it may: the compliance gate."""


@dataclass(slots=True, eq=False)
class Core:
    """Shared state of a user agent.

    Attributes:
        origin: What its requests say of it.
        tokens: Source of names.
        timers: All timers.
        transactions: All transactions.
        emit: Takes events.
        may_send: The gate.
        legs: Legs by id, until nothing more can come of them.
        by_tag: The same legs by our tag, once they have a dialog.
        realms: Realm that credentials were first given to, by host and port.
        counts: What was received, dropped and refused, by name.
    """

    origin: Origin
    tokens: Tokens
    timers: TimerQueue
    transactions: Transactions
    emit: Callable[[AnyEvent], None]
    may_send: MaySend
    legs: "dict[str, Leg]" = field(default_factory=dict)
    by_tag: "dict[str, Leg]" = field(default_factory=dict)
    realms: dict[tuple[str, int], str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def reply(
        self,
        server: Server,
        request: Request,
        status: int,
        now_s: float,
        extra: str = "",
        body: bytes = b"",
        to_tag: str = "",
    ) -> bytes:
        """Answer a request by its transaction; returns the octets sent."""
        wire = build_response(request.headers, request.source, status, to_tag, extra, body)
        server.answer(status, wire, now_s)
        return wire

    def accept(self, request: Request, source: Destination) -> Server | None:
        """Open a server transaction whose answers go back the way RFC 3581 says.

        Raises:
            ParseError: Its Via is malformed.
        """
        server = self.transactions.accept(request, response_destination(request, source))
        if server is None:
            self.counts["overload"] += 1
        return server
