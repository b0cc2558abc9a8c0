"""Client transactions as they run: the tables with wire, timers and a user (RFC 3261 §17.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.machine import bind
from engine.telephony.sip.message import Response
from engine.telephony.sip.tables import INVITE_CLIENT, NON_INVITE_CLIENT, Action, Input, Phase
from engine.telephony.sip.timers import GIVE_UP_S, T1_S, T2_S, T4_S
from engine.telephony.sip.transaction import Transaction

if TYPE_CHECKING:
    from engine.telephony.sip.transactions import Transactions

_WAITING = (Phase.CALLING, Phase.TRYING, Phase.PROCEEDING)


class ClientUser(Protocol):
    """Whose request a client transaction carries."""

    def on_response(self, transaction: "Client", response: Response, now_s: float, /) -> None:
        """Take a response that the transaction passes up."""
        ...

    def on_failure(self, transaction: "Client", timed_out: bool, now_s: float, /) -> None:
        """Learn that no final response will come: timed out, or not sent at all."""
        ...

    def build_ack(self, transaction: "Client", response: Response, /) -> bytes:
        """Return the ACK for a final response other than 2xx (RFC 3261 §17.1.1.3)."""
        ...


class Client(Transaction):
    """A client transaction (RFC 3261 §17.1).

    Attributes:
        key: What responses are matched by.
        cseq: CSeq number of the request.
        method: Its method.
        resent: Whether it went over a second connection.
        user: Whose request it is.
    """

    __slots__ = ("cseq", "key", "method", "resent", "rows", "unsent", "user")

    def __init__(
        self,
        home: "Transactions",
        method: str,
        key: str,
        cseq: int,
        wire: bytes,
        destination: Destination,
        user: ClientUser,
    ) -> None:
        super().__init__(home, wire, destination)
        self.method = method
        self.key = key
        self.cseq = cseq
        self.user = user
        self.unsent = False
        self.resent = False
        self.rows = _INVITE_CLIENT if method == "INVITE" else _NON_INVITE_CLIENT

    def begin(self, now_s: float) -> None:
        """Send the request."""
        table = INVITE_CLIENT if self.method == "INVITE" else NON_INVITE_CLIENT
        self.phase = table.initial[0]
        for action in table.entry:
            _ACTIONS[action](self, None, now_s)
        if self.unsent:
            # Told at the next advance: our user must hold this transaction before it may fail.
            self.stop()
            self.start_limit(Input.UNSENT, 0.0, now_s)

    def step(self, given: Input, response: Response | None, now_s: float, /) -> None:
        """Take a response or a timer."""
        row = self.rows[self.phase].get(given)
        if row is None:
            return
        self.phase, actions = row
        for action in actions:
            action(self, response, now_s)
        if self.phase is Phase.TERMINATED:
            self.home.forget_client(self)
        elif self.unsent:
            self.fail(now_s)

    def abandon(self) -> None:
        """Wait no longer for a final response; an INVITE in Proceeding would for ever.

        One that comes later finds no transaction and is stray.
        """
        if self.phase in _WAITING:
            self.phase = Phase.TERMINATED
            self.stop()
            self.home.forget_client(self)

    def fail(self, now_s: float) -> None:
        """Learn that the request did not leave; its user is told."""
        self.unsent = False
        self.step(Input.UNSENT, None, now_s)

    def send_anew(self, now_s: float) -> bool:
        """Send the request over another connection, if it waits for an answer and only once."""
        if self.resent or self.phase not in _WAITING or not self.home.may_repeat(self, now_s):
            return False
        self.resent = True
        return self.home.send(self.wire, self.destination)

    def _send(self, _: Response | None, now_s: float) -> None:
        repeated = self.interval_s > T1_S  # the first time, whoever asks for it has asked the gate
        if repeated and not self.home.may_repeat(self, now_s):
            return
        self.unsent = not self.home.send(self.wire, self.destination)

    def _send_ack(self, response: Response | None, _: float) -> None:
        if response is not None:
            ack = self.user.build_ack(self, response)
            self.unsent = not self.home.send(ack, self.destination)

    def _pass(self, response: Response | None, now_s: float) -> None:
        if response is None:
            return
        if response.status >= 200:
            self.wire = b""  # it never goes out again; ten thousand live calls need not keep it
        self.user.on_response(self, response, now_s)


_Act = Callable[[Client, Response | None, float], None]

_ACTIONS: dict[Action, _Act] = {
    Action.SEND: Client._send,
    Action.SEND_ACK: Client._send_ack,
    Action.PASS: Client._pass,
    Action.TELL_TIMEOUT: lambda client, _, now_s: client.user.on_failure(client, True, now_s),
    Action.TELL_UNSENT: lambda client, _, now_s: client.user.on_failure(client, False, now_s),
    Action.STOP: lambda client, _, __: client.stop(),
    # Timer A doubles without bound, B ends it; E stops doubling at T2 (RFC 3261 §17.1).
    Action.START_A: lambda client, _, now_s: client.start_repeat(Input.TIMER_A, GIVE_UP_S, now_s),
    Action.START_B: lambda client, _, now_s: client.start_limit(Input.TIMER_B, GIVE_UP_S, now_s),
    Action.START_D: lambda client, _, now_s: client.start_linger(Input.TIMER_D, GIVE_UP_S, now_s),
    Action.START_E: lambda client, _, now_s: client.start_repeat(Input.TIMER_E, T2_S, now_s),
    Action.START_E_SLOW: lambda client, _, now_s: _slow(client, now_s),
    Action.START_F: lambda client, _, now_s: client.start_limit(Input.TIMER_F, GIVE_UP_S, now_s),
    Action.START_K: lambda client, _, now_s: client.start_linger(Input.TIMER_K, T4_S, now_s),
    Action.START_M: lambda client, _, now_s: client.start_limit(Input.TIMER_M, GIVE_UP_S, now_s),
}


def _slow(client: Client, now_s: float) -> None:
    client.interval_s = T2_S
    client.start_repeat(Input.TIMER_E, T2_S, now_s)


_INVITE_CLIENT = bind(INVITE_CLIENT, _ACTIONS)
_NON_INVITE_CLIENT = bind(NON_INVITE_CLIENT, _ACTIONS)
