"""Server transactions as they run: the tables with wire, timers and a user (RFC 3261 §17.2)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.machine import bind
from engine.telephony.sip.message import MAGIC, Request
from engine.telephony.sip.tables import INVITE_SERVER, NON_INVITE_SERVER, Action, Input, Phase
from engine.telephony.sip.timers import GIVE_UP_S, T2_S, T4_S
from engine.telephony.sip.transaction import Transaction, class_of

if TYPE_CHECKING:
    from engine.telephony.sip.transactions import Transactions


class ServerUser(Protocol):
    """Who answers the request of a server transaction."""

    def on_ack(self, transaction: "Server", ack: Request, now_s: float, /) -> None:
        """Take an ACK that the transaction passes up: one for a 2xx with the same branch."""
        ...

    def on_unanswered(self, transaction: "Server", now_s: float, /) -> None:
        """Learn that an ACK never came, or that the answer could not be sent."""
        ...


class Server(Transaction):
    """A server transaction (RFC 3261 §17.2).

    Attributes:
        key: What requests are matched by.
        merge_key: What tells another copy of it, come by another way; empty: inside a dialog.
        request: The request, until it is answered finally.
        user: Who learns of its ACK, and of its absence; None: nobody wants to.
    """

    __slots__ = ("key", "merge_key", "method", "request", "rows", "unsent", "user")

    def __init__(
        self, home: "Transactions", key: str, request: Request, destination: Destination
    ) -> None:
        super().__init__(home, b"", destination)
        self.key = key
        self.merge_key = "" if request.to_tag else merge_key(request)
        self.request: Request | None = request
        self.method = request.method
        self.user: ServerUser | None = None
        self.unsent = False
        invite = request.method == "INVITE"
        self.rows = _INVITE_SERVER if invite else _NON_INVITE_SERVER
        self.phase = (INVITE_SERVER if invite else NON_INVITE_SERVER).initial[0]

    def answer(self, status: int, wire: bytes, now_s: float) -> None:
        """Answer the request, provisionally or finally; after a final answer nothing changes."""
        given = class_of(status)
        if given in self.rows[self.phase]:
            self.wire = wire
        self.step(given, None, now_s)

    def step(self, given: Input, request: Request | None, now_s: float, /) -> None:
        """Take an answer, a request again, an ACK, or a timer."""
        row = self.rows[self.phase].get(given)
        if row is None:
            return
        self.phase, actions = row
        for action in actions:
            action(self, request, now_s)
        if self.phase is Phase.TERMINATED:
            self.home.forget_server(self)
        elif self.unsent:
            self.unsent = False
            self.step(Input.UNSENT, None, now_s)

    def _send(self, _: Request | None, __: float) -> None:
        if self.wire:
            self.unsent = not self.home.send(self.wire, self.destination)

    def _pass(self, request: Request | None, now_s: float) -> None:
        if self.user is not None and request is not None:
            self.user.on_ack(self, request, now_s)

    def _tell(self, _: Request | None, now_s: float) -> None:
        if self.user is not None:
            self.user.on_unanswered(self, now_s)


def server_key(request: Request, method: str = "") -> str:
    """Return what makes a request the same as an earlier one (RFC 3261 §17.2.3).

    Args:
        request: The request.
        method: Method to match instead of its own, for CANCEL.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.every("via")[0]
    sent_by = via.partition(";")[0].split()[-1]
    if request.branch.startswith(MAGIC) and len(request.branch) > len(MAGIC):
        return f"{request.branch} {sent_by} {method}"
    return f"{request.call_id} {request.from_tag} {request.cseq} {via} {request.uri} {method}"


def merge_key(request: Request) -> str:
    """Return what tells another copy of a request, come by another way (RFC 3261 §8.2.2.2)."""
    return f"{request.call_id} {request.from_tag} {request.cseq} {request.method}"


_Act = Callable[[Server, Request | None, float], None]

_ACTIONS: dict[Action, _Act] = {
    Action.SEND: Server._send,
    Action.PASS: Server._pass,
    Action.TELL_TIMEOUT: Server._tell,
    Action.TELL_UNSENT: Server._tell,
    Action.STOP: lambda server, _, __: server.stop(),
    Action.START_G: lambda server, _, now_s: server.start_repeat(Input.TIMER_G, T2_S, now_s),
    Action.START_H: lambda server, _, now_s: server.start_limit(Input.TIMER_H, GIVE_UP_S, now_s),
    Action.START_I: lambda server, _, now_s: server.start_linger(Input.TIMER_I, T4_S, now_s),
    Action.START_J: lambda server, _, now_s: server.start_linger(Input.TIMER_J, GIVE_UP_S, now_s),
    Action.START_L: lambda server, _, now_s: server.start_limit(Input.TIMER_L, GIVE_UP_S, now_s),
}

_INVITE_SERVER = bind(INVITE_SERVER, _ACTIONS)
_NON_INVITE_SERVER = bind(NON_INVITE_SERVER, _ACTIONS)
