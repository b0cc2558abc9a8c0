"""A leg that we call: INVITE, challenge, failover, CANCEL, forks (RFC 3261 §9.1, §13.2)."""

from dataclasses import replace
from typing import Final

from engine.domain.specs import Need
from engine.telephony.sip.authorize import Authorizer
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.early import EarlyDialogs
from engine.telephony.sip.events import Ringing, Trying
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.identity import from_value
from engine.telephony.sip.leg import SDP_TYPE, Leg
from engine.telephony.sip.leg_table import LegInput, LegPhase
from engine.telephony.sip.message import Response
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.reliable import Fork
from engine.telephony.sip.responses import ALLOW
from engine.telephony.sip.sdp import Direction
from engine.telephony.sip.session import (
    LONGEST_S,
    MAX_TRIES,
    SHORTEST_S,
    SessionTimer,
    read_minimum,
)
from engine.telephony.sip.stray import end_stray
from engine.telephony.sip.timers import Timer

_FIRST_CSEQ: Final = 1
_UNANSWERED: Final = 'Reason: Q.850;cause=19;text="no answer"\r\n'


class OutgoingLeg(Leg):
    """A leg that began with our INVITE.

    Attributes:
        early: What the far end said before its answer, if anything.
    """

    __slots__ = (
        "_call",
        "_held",
        "_invite",
        "_lengthened",
        "_next",
        "_pracks",
        "_ring",
        "_strays",
        "early",
    )

    def __init__(self, core: Core, call: OutgoingCall) -> None:
        names = core.tokens.leg(call.leg_id)
        shown = from_value(call.caller, call.caller_name, call.private)
        dialog = Dialog(
            core.origin,
            names.call_id,
            f"{shown};tag={names.tag}",
            names.tag,
            f"<{call.target}>",
            call.target,
            call.destination,
            names.salt,
            call.pinned,
        )
        super().__init__(core, call.leg_id, dialog, call.media, names.session)
        self._call: OutgoingCall | None = call
        self._next = 0  # position in the call's alternatives
        self._invite: Client | None = None
        self.early: EarlyDialogs | None = None
        self._pracks = 0
        self._lengthened = 0
        self._held = call.holds_ack
        self._strays: set[str] | None = None
        self._ring: Timer | None = None
        dialog.cseq = _FIRST_CSEQ
        if call.credentials is not None:
            self.authorizer = Authorizer(call.credentials, core.realms)

    def begin(self, now_s: float) -> None:
        """Send the INVITE, if the gate allows it at this instant."""
        if self._call is not None and self._call.ring_s:
            ring_s = self._call.ring_s
            self._ring = self.core.timers.start(ring_s, now_s, self, LegInput.HANG_UP)
        self.send_again(now_s)

    def send_again(self, now_s: float) -> None:
        """Send the INVITE, or send it anew with another branch, as the gate allows."""
        call = self._call
        if call is None or not self.core.may_send(self.leg_id):
            self.step(LegInput.GATE_CLOSED, now_s)
            return
        core, dialog = self.core, self.dialog
        extra = f"Contact: {dialog.contact}\r\nAllow: {ALLOW}\r\n{call.extra_headers()}"
        extra += self.credentials("INVITE")
        self.early = None  # another INVITE, other dialogs
        core.by_tag[dialog.local_tag] = self
        branch = dialog.next_branch()
        self.version = 0  # nobody has agreed to an earlier description
        wire = dialog.build("INVITE", branch, dialog.cseq, extra + SDP_TYPE, self.describe())
        self._invite = core.transactions.request(
            "INVITE", branch, dialog.cseq, wire, dialog.destination, self, now_s
        )

    def on_response(self, transaction: Client, response: Response, now_s: float) -> None:
        """Take a response to a request of this leg."""
        if transaction.method == "INVITE" and transaction is self._invite:
            self._on_invite_response(transaction, response, now_s)
        else:
            super().on_response(transaction, response, now_s)

    def _on_invite_response(self, invite: Client, response: Response, now_s: float) -> None:
        status = response.status
        if status == 100:
            self.step(LegInput.TRYING, now_s)
        elif status < 200:
            self._on_progress(invite, response, now_s)
        elif status < 300:
            self._on_answer(invite, response, now_s)
        else:
            self.note(response, status)
            self.step(self._judge(invite, response), now_s)

    def _on_progress(self, invite: Client, response: Response, now_s: float) -> None:
        if self.early is None:
            self.early = EarlyDialogs(self)
        reliable = self._call is not None and self._call.reliable is not Need.OFF
        if not self.early.take(invite, response, reliable, now_s):
            self.step(LegInput.TRYING, now_s)  # no more than that; but CANCEL waits for no less
            return
        self.status = response.status
        self.step(LegInput.RINGING, now_s)

    def count_prack(self) -> int:
        """Return how many requests were sent in early dialogs, one more each time."""
        self._pracks += 1
        return self._pracks

    def find_dialog(self, tag: str) -> Dialog | Fork | None:
        """Return the dialog, or before the answer the early one, of the far end's tag."""
        if not self.dialog.remote_tag:
            return self.early.find(tag) if self.early is not None and tag else None
        return super().find_dialog(tag)

    def _on_answer(self, invite: Client, response: Response, now_s: float) -> None:
        """Take a 2xx: the first, the same again, or another fork's (RFC 3261 §13.2.2.4)."""
        dialog = self.dialog
        if not dialog.remote_tag:
            self.status, self.reason = response.status, ""  # a challenge's is of no interest now
            self.step(self._take_answer(response, now_s), now_s)
        elif response.to_tag == dialog.remote_tag:
            self._held = False  # it was asked twice: the call is worth more than the order
            self.acknowledge(invite.cseq)
        else:
            if self._strays is None:
                self._strays = set()
            first = response.to_tag not in self._strays
            self._strays.add(response.to_tag)
            end_stray(self.core, response, invite.destination, first, now_s)

    def acknowledge(self, cseq: int) -> None:
        """Send the ACK for a 2xx, unless that is held back."""
        if not self._held:
            super().acknowledge(cseq)

    def confirm(self) -> None:
        """Send the ACK that was held back: the dialog is remembered now."""
        if self._held and self._invite is not None and self.dialog.remote_tag:
            self._held = False
            self.acknowledge(self._invite.cseq)

    def offer(self, direction: Direction, now_s: float) -> None:
        """Offer our audio anew inside the dialog, which must be confirmed."""
        self.confirm()
        super().offer(direction, now_s)

    def refresh(self, now_s: float) -> None:
        """Say by a re-INVITE that we are there; the dialog must be confirmed."""
        self.confirm()
        super().refresh(now_s)

    def on_timer(self, name: str, now_s: float) -> None:
        """Take a timer of the leg; nobody who answers is a reason of its own to cancel."""
        if name == LegInput.HANG_UP:
            self.bye_reason = self.bye_reason or _UNANSWERED
        super().on_timer(name, now_s)

    def send_ack(self, _: float) -> None:
        """Acknowledge the answer: its CSeq is the INVITE's, whatever was sent since."""
        if self._invite is not None:
            self.acknowledge(self._invite.cseq)

    def _take_answer(self, response: Response, now_s: float) -> LegInput:
        """Make the dialog; say whether audio can follow."""
        call, self._call = self._call, None
        self._stop_ringing()
        try:
            self._establish(response)
        except ParseError:
            self.core.counts["bad-answer"] += 1
            self._recover(response, call)
            return LegInput.UNUSABLE
        if not self.dialog.remote_tag:
            self._recover(response, call)
        if not (self.remote and self.remote.usable):
            return LegInput.UNUSABLE
        if "session-expires" in response.headers:
            self.keeper = SessionTimer(self, call.shortest_s if call else SHORTEST_S)
            self.keeper.on_agreed(response, now_s)
        return LegInput.ANSWERED

    def _establish(self, response: Response) -> None:
        """Take the far end's side from its answer; its audio maybe from what it said before.

        Raises:
            ParseError: The answer is malformed.
        """
        dialog = self.dialog
        early, self.early = self.early, None
        fork = early.find(response.to_tag) if early is not None else None
        heard = (fork and fork.remote) or (early and early.remote) or None
        if fork is not None:
            dialog.remote_cseq = fork.remote_cseq
            if fork.dialog is not None:
                dialog.cseq = fork.dialog.cseq  # PRACKs were sent in it
        dialog.establish(response)
        agreed = fork is not None and fork.agreed  # what 2xx repeats is then no answer
        self.remote = self.parse(response.body) if response.body and not agreed else heard

    def _recover(self, response: Response, call: OutgoingCall | None) -> None:
        """Set up enough of a malformed dialog to acknowledge and end it."""
        dialog = self.dialog
        dialog.remote = response.headers["to"][0]
        dialog.remote_tag = response.to_tag or "-"  # RFC 2543 had none; but this one is taken
        dialog.routes = ()
        if call is not None:
            dialog.target = call.target
        dialog.hop = dialog.destination

    def _judge(self, invite: Client, response: Response) -> LegInput:
        """Say whether another INVITE can mend a refusal, and prepare it."""
        status = response.status
        if status in (401, 407) and self.authorizer is not None:
            mended = self.authorizer.take(response, invite.destination)
        else:
            mended = status == 422 and self._lengthen(response)
        if mended:
            self.dialog.cseq += 1
            return LegInput.AGAIN
        if status == 503 and self._fail_over():
            return LegInput.AGAIN
        return LegInput.REFUSED

    def _lengthen(self, response: Response) -> bool:
        """Ask for the session interval that a 422 wants at least (RFC 4028 §7.3)."""
        call, minimum_s = self._call, read_minimum(response)
        if call is None or not 0 < call.session_s < minimum_s <= LONGEST_S:
            return False
        if self._lengthened >= MAX_TRIES:
            return False
        self._lengthened += 1
        self._call = replace(call, session_s=minimum_s, shortest_s=minimum_s)
        return True

    def _fail_over(self) -> bool:
        call = self._call
        if call is None or self._next >= len(call.alternatives):
            return False
        self.dialog.destination = self.dialog.hop = call.alternatives[self._next]
        self.dialog.cseq += 1
        self._next += 1
        if self.authorizer is not None:
            self.authorizer.reset()  # another host challenges anew
        return True

    def on_failure(self, transaction: Client, timed_out: bool, now_s: float) -> None:
        """Learn that a request of this leg will not be answered."""
        if transaction.method == "INVITE" and transaction is self._invite:
            self.status = 408 if timed_out else 503  # RFC 3261 §8.1.3.1
            self.reason = "timed out" if timed_out else "not sent"
            wanted = self.phase is not LegPhase.CANCEL_WANTED
            self.step(LegInput.AGAIN if wanted and self._fail_over() else LegInput.UNHEARD, now_s)
        else:
            super().on_failure(transaction, timed_out, now_s)

    # --- actions of the table ------------------------------------------------------------------

    def tell_trying(self, _: float) -> None:
        """Tell that the next hop has the INVITE."""
        self.core.emit(Trying(self.leg_id))

    def tell_ringing(self, _: float) -> None:
        """Tell that the far end was reached."""
        early = self.early.remote if self.early is not None else None
        self.core.emit(Ringing(self.leg_id, self.status, early))

    def send_cancel(self, now_s: float) -> None:
        """Cancel the INVITE on its own way, with its own branch (RFC 3261 §9.1)."""
        invite = self._invite
        if invite is None:
            return
        self.start_give_up(now_s)
        branch = invite.key
        wire = self.dialog.build("CANCEL", branch, invite.cseq, self.bye_reason)
        self.core.transactions.request(
            "CANCEL", branch, invite.cseq, wire, invite.destination, self, now_s
        )

    def send_bye(self, now_s: float) -> None:
        """Say goodbye, after the ACK if that was held back."""
        self.confirm()
        super().send_bye(now_s)

    def settle(self) -> None:
        """Stop what waits for an answer, too; one that comes later is stray."""
        super().settle()
        self._stop_ringing()
        if self._invite is not None:
            self._invite.abandon()

    def _stop_ringing(self) -> None:
        if self._ring is not None:
            self._ring.stop()
            self._ring = None
