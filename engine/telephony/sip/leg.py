"""A leg: one SIP dialog with one party, what both directions share."""

from collections.abc import Callable
from typing import Final

from engine.telephony.sip.authorize import Authorizer
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.descriptions import Descriptions
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.events import Answered, Ended
from engine.telephony.sip.grammar import printable
from engine.telephony.sip.leg_table import LEG, LegAction, LegInput, LegPhase
from engine.telephony.sip.machine import bind
from engine.telephony.sip.message import Message, Request, Response
from engine.telephony.sip.moves import Moves
from engine.telephony.sip.reason import read_reason, read_retry_after
from engine.telephony.sip.reliable import Fork
from engine.telephony.sip.reoffer import Reoffer
from engine.telephony.sip.sdp import Direction, LocalMedia
from engine.telephony.sip.session import SessionTimer
from engine.telephony.sip.timers import GIVE_UP_S, Timer
from engine.telephony.sip.unacked import UnackedOk

SDP_TYPE: Final = "Content-Type: application/sdp\r\n"


class Leg(Descriptions):
    """What a leg of either direction is and does.

    Attributes:
        core: The user agent's shared state.
        leg_id: Its id.
        dialog: Its dialog, or dialog-to-be.
        phase: Where it is.
        keeper: The session timer, once one was agreed.
        moves: Tells where the far end went, once it moved.
        reoffer: Offers inside the dialog, once there was one.
        authorizer: Answers challenges, if it has credentials.
        unacked: Our 2xx that waits for its ACK.
        bye_reason: Reason header of our BYE or CANCEL, with its line end.
        status: Final status of the INVITE, for the end event; likewise the three that follow.
    """

    __slots__ = (
        "ack_cseq",
        "ack_wire",
        "authorizer",
        "bye_reason",
        "core",
        "dialog",
        "give_up",
        "keeper",
        "leg_id",
        "moves",
        "phase",
        "q850",
        "reason",
        "reoffer",
        "retry_after_s",
        "status",
        "unacked",
    )

    def __init__(
        self, core: Core, leg_id: str, dialog: Dialog, media: LocalMedia, session: int
    ) -> None:
        super().__init__(media, session)
        self.core = core
        self.leg_id = leg_id
        self.dialog = dialog
        self.phase = LEG.initial[0]
        self.reoffer: Reoffer | None = None
        self.keeper: SessionTimer | None = None
        self.moves: Moves | None = None
        self.authorizer: Authorizer | None = None
        self.unacked: UnackedOk | None = None
        self.give_up: Timer | None = None
        self.ack_cseq = 0
        self.ack_wire = b""
        self.bye_reason = ""
        self.status = 0
        self.reason = ""
        self.q850 = 0
        self.retry_after_s = 0.0

    def step(self, given: LegInput, now_s: float) -> None:
        """Take an input; what has no row in the leg's phase changes nothing."""
        row = _ROWS[self.phase].get(given)
        if row is None:
            return
        self.phase, actions = row
        for action in actions:
            action(self, now_s)

    def note(self, message: Message, status: int = 0) -> None:
        """Keep what a message tells about the end that it announces."""
        self.status = status or self.status
        self.q850, reason = read_reason(message)
        if isinstance(message, Response):
            self.retry_after_s = read_retry_after(message)
            reason = reason or message.reason
        self.reason = printable(reason)

    def hang_up(self, now_s: float, reason: str = "") -> None:
        """End the leg in whatever phase it is.

        Args:
            now_s: Now. [s]
            reason: Value of a Reason header for CANCEL or BYE (RFC 3326); may be empty.
        """
        self.bye_reason = f"Reason: {reason}\r\n" if reason else ""
        self.step(LegInput.HANG_UP, now_s)

    def request(self, method: str, now_s: float, extra: str = "", body: bytes = b"") -> Client:
        """Send a request inside the dialog by a transaction of its own."""
        dialog = self.dialog
        dialog.cseq += 1
        branch = dialog.next_branch()
        wire = dialog.build(method, branch, dialog.cseq, extra, body)
        return self.core.transactions.request(
            method, branch, dialog.cseq, wire, dialog.hop, self, now_s
        )

    def follow(self, contact: str, now_s: float) -> None:
        """Take a Contact of the far end's as remote target; a new one is told (RFC 3261 §12.2).

        Raises:
            ParseError: It is malformed.
        """
        before = self.dialog.target
        self.dialog.refresh_target(contact)
        if self.dialog.target != before and self.phase is LegPhase.UP:
            if self.moves is None:
                self.moves = Moves(self)
            self.moves.note(now_s)

    def acknowledge(self, cseq: int) -> None:
        """Send the ACK for a 2xx, the same one for the same 2xx (RFC 3261 §13.2.2.4)."""
        dialog = self.dialog
        if cseq != self.ack_cseq or not self.ack_wire:
            self.ack_cseq = cseq
            extra = self.authorizer.repeat(dialog.hop.host) if self.authorizer else ""
            self.ack_wire = dialog.build("ACK", dialog.next_branch(), cseq, extra)
        self.core.transactions.send(self.ack_wire, dialog.hop)

    def offer(self, direction: Direction, now_s: float) -> None:
        """Offer our audio anew inside the dialog, to hold or to resume."""
        if self.reoffer is None:
            self.reoffer = Reoffer(self)
        self.reoffer.offer(direction, now_s)

    def refresh(self, now_s: float) -> None:
        """Say by a re-INVITE that we are there (RFC 4028 §7.4)."""
        if self.reoffer is None:
            self.reoffer = Reoffer(self)
        self.reoffer.refresh(now_s)

    def credentials(self, method: str, dialog: Dialog | None = None) -> str:
        """Return the headers by which a request of ours answers challenges met before."""
        if self.authorizer is None:
            return ""
        dialog = dialog or self.dialog
        return self.authorizer.header(method, dialog.uri, self.core.tokens.next(), dialog.hop.host)

    def answers(self, response: Response) -> bool:
        """Say whether a challenge is answered: only one of the host first called (X6)."""
        return self.authorizer is not None and self.authorizer.take(
            response, self.dialog.destination
        )

    def find_dialog(self, tag: str) -> Dialog | Fork | None:
        """Return the dialog that the far end's tag belongs to."""
        known = self.dialog.remote_tag
        return self.dialog if known and known in (tag, "-") else None

    def on_cancel(self, cancel: Request, now_s: float) -> None:
        """Take a CANCEL that came too late for its INVITE: nothing changes (RFC 3261 §9.2)."""

    def on_bye(self, now_s: float) -> None:
        """Take the far end's BYE."""
        self.step(LegInput.BYE, now_s)

    def take_ack(self, ack: Request, _now_s: float) -> None:
        """Take an ACK for a 2xx of ours."""
        if self.reoffer is not None:
            self.reoffer.on_ack(ack)

    # --- what transactions tell (ClientUser) ---------------------------------------------------

    def on_response(self, transaction: Client, response: Response, now_s: float) -> None:
        """Take a response to a request of this leg."""
        method = transaction.method
        if method == "INVITE" and self.reoffer is not None:
            self.reoffer.on_response(transaction, response, now_s)
        elif method == "UPDATE" and self.keeper is not None:
            self.keeper.on_response(transaction, response, now_s)
        elif method == "BYE" and response.status >= 200:
            self.step(LegInput.BYE_DONE, now_s)

    def on_failure(self, transaction: Client, _timed_out: bool, now_s: float) -> None:
        """Learn that a request of this leg will not be answered."""
        method = transaction.method
        if method == "INVITE" and self.reoffer is not None:
            self.reoffer.on_failure(now_s)
        elif method == "UPDATE" and self.keeper is not None:
            self.keeper.on_failure(now_s)
        elif method == "BYE":
            self.step(LegInput.BYE_DONE, now_s)

    def build_ack(self, transaction: Client, response: Response) -> bytes:
        """Return the ACK for a refused INVITE (RFC 3261 §17.1.1.3)."""
        to_value = response.headers["to"][0]
        return self.dialog.build("ACK", transaction.key, transaction.cseq, remote=to_value)

    def on_timer(self, name: str, now_s: float) -> None:
        """Take a timer of the leg: 64*T1 after CANCEL, or nobody answers."""
        self.step(LegInput(name), now_s)

    # --- actions of the table ------------------------------------------------------------------

    def tell_trying(self, now_s: float) -> None:
        """Tell that the next hop has the INVITE."""

    def tell_ringing(self, now_s: float) -> None:
        """Tell that the far end was reached."""

    def send_again(self, now_s: float) -> None:
        """Send the INVITE once more, changed."""

    def send_ok(self, now_s: float) -> None:
        """Answer the far end's INVITE."""

    def refuse(self, now_s: float) -> None:
        """Refuse the far end's INVITE."""

    def send_cancel(self, now_s: float) -> None:
        """Cancel our INVITE."""

    def tell_answered(self, _: float) -> None:
        """Tell that the leg is up."""
        if self.remote is not None:
            self.core.emit(Answered(self.leg_id, self.remote, self.agree(self.remote)))

    def send_ack(self, now_s: float) -> None:
        """Acknowledge the answer to our first INVITE."""

    def send_bye(self, now_s: float) -> None:
        """Say goodbye; offers that wait die with the dialog."""
        self.settle()
        self.request("BYE", now_s, self.bye_reason)

    def close(self, _: float) -> None:
        """Forget the leg; its transactions end by themselves."""
        self.settle()
        core = self.core
        core.legs.pop(self.leg_id, None)
        core.by_tag.pop(self.dialog.local_tag, None)

    def start_give_up(self, now_s: float) -> None:
        """Limit the wait for what must come after CANCEL (RFC 3261 §9.1)."""
        self.give_up = self.core.timers.start(GIVE_UP_S, now_s, self, LegInput.GAVE_UP)

    def tell_ended(self, why: str) -> None:
        """Tell the end of the leg."""
        self.core.emit(
            Ended(self.leg_id, why, self.status, self.reason, self.q850, self.retry_after_s)
        )

    def settle(self) -> None:
        """Stop all that waits: the dialog goes."""
        if self.give_up is not None:
            self.give_up.stop()
            self.give_up = None
        if self.unacked is not None:
            self.unacked.stop()
            self.unacked = None
        if self.reoffer is not None:
            self.reoffer.stop()
        if self.keeper is not None:
            self.keeper.stop()
        if self.moves is not None:
            self.moves.stop()


def _tell(why: str) -> Callable[[Leg, float], None]:
    def tell(leg: Leg, _: float) -> None:
        leg.tell_ended(why)

    return tell


def _call(name: str) -> Callable[[Leg, float], None]:
    """Return an action that each kind of leg does in its own way."""

    def act(leg: Leg, now_s: float) -> None:
        getattr(leg, name)(now_s)

    return act


_ACTIONS: dict[LegAction, Callable[[Leg, float], None]] = {
    LegAction.TELL_TRYING: _call("tell_trying"),
    LegAction.TELL_RINGING: _call("tell_ringing"),
    LegAction.TELL_ANSWERED: Leg.tell_answered,
    LegAction.TELL_REFUSED: _tell("refused"),
    LegAction.TELL_UNHEARD: _tell("timed-out"),
    LegAction.TELL_BROKEN: _tell("broken"),
    LegAction.TELL_CANCELLED: _tell("cancelled"),
    LegAction.TELL_CROSSED: _tell("crossed"),
    LegAction.TELL_RELEASED: _tell("released"),
    LegAction.TELL_HUNG_UP: _tell("hung-up"),
    LegAction.TELL_GATE_CLOSED: _tell("gate-closed"),
    LegAction.SEND_AGAIN: _call("send_again"),
    LegAction.SEND_ACK: _call("send_ack"),
    LegAction.SEND_BYE: _call("send_bye"),
    LegAction.SEND_CANCEL: _call("send_cancel"),
    LegAction.SEND_OK: _call("send_ok"),
    LegAction.REFUSE: _call("refuse"),
    LegAction.CLOSE: Leg.close,
}
_ROWS = bind(LEG, _ACTIONS)
