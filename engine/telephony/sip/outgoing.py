"""A leg that we call: INVITE, challenge, failover, CANCEL, forks (RFC 3261 §9.1, §13.2)."""

from dataclasses import dataclass, replace
from typing import Final

from engine.domain.specs import Need
from engine.telephony.sip.authorize import Authorizer
from engine.telephony.sip.core import Core
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Ringing, Trying
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.identity import from_value, identity_headers
from engine.telephony.sip.leg import SDP_TYPE, Leg
from engine.telephony.sip.leg_table import LegInput, LegPhase
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.reliable import MAX_FORKS, Fork, Prack, read_early, read_rseq
from engine.telephony.sip.responses import ALLOW
from engine.telephony.sip.sdp import Direction, LocalMedia, RemoteMedia
from engine.telephony.sip.session import (
    LONGEST_S,
    MAX_TRIES,
    SHORTEST_S,
    SessionTimer,
    offer_extensions,
    read_minimum,
)
from engine.telephony.sip.stray import end_stray
from engine.telephony.sip.timers import Timer
from engine.telephony.sip.transactions import Client, Destination, Server

_FIRST_CSEQ: Final = 1
_UNANSWERED: Final = 'Reason: Q.850;cause=19;text="no answer"\r\n'


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call to be placed.

    Attributes:
        leg_id: Id of the new leg; its Call-ID, tag and branches follow from it.
        target: Request-URI, and To.
        caller: URI of From.
        destination: Where the INVITE goes.
        media: Our end of the audio.
        caller_name: Display name of From; may be empty.
        headers: More headers; their values must not come from lists unless cleaned.
        credentials: What challenges are answered with; None: they are refusals.
        alternatives: Where the INVITE goes next, after 503 or silence (RFC 3263 §4.3).
        pinned: Whether requests in the dialog go where the INVITE went: phones behind NAT.
        ring_s: Time without an answer until it is cancelled; 0: no limit of its own. [s]
        holds_ack: Whether the answer's ACK waits for ``confirm``. Without it the far end repeats
            its answer, so a life that comes after ours can end the call.
        session_s: Session interval asked for (RFC 4028), at least 90; 0: none. [s]
        shortest_s: Longest minimum that the far end told; grows with 422. [s]
        reliable: Whether provisional responses are acknowledged (RFC 3262).
        asserted: Whether the caller goes as P-Asserted-Identity too (RFC 3325).
        private: Whether the called party is not to see the caller (RFC 3323).
        diverted_from: URI the call is said to be diverted from (RFC 5806); empty: none.
    """

    leg_id: str
    target: str
    caller: str
    destination: Destination
    media: LocalMedia
    caller_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    credentials: Credentials | None = None
    alternatives: tuple[Destination, ...] = ()
    pinned: bool = False
    ring_s: float = 0.0
    holds_ack: bool = False
    session_s: int = 0
    shortest_s: int = SHORTEST_S
    reliable: Need = Need.OFF
    asserted: bool = False
    private: bool = False
    diverted_from: str = ""

    def extra_headers(self) -> str:
        """Return the INVITE's own headers: extensions, who calls, and those given."""
        lines = offer_extensions(self.session_s, self.shortest_s, self.reliable)
        if self.asserted or self.private or self.diverted_from:
            lines += identity_headers(
                self.caller, self.caller_name, self.asserted, self.private, self.diverted_from
            )
        if self.headers:
            lines += "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return lines


class OutgoingLeg(Leg):
    """A leg that began with our INVITE."""

    __slots__ = (
        "_call",
        "_early",
        "_forks",
        "_held",
        "_invite",
        "_lengthened",
        "_next",
        "_pracks",
        "_ring",
        "_strays",
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
        self._early: RemoteMedia | None = None
        self._forks: dict[str, Fork] | None = None
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
        self._forks = self._early = None  # another INVITE, other dialogs
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
        fork = self._fork(response.to_tag)
        rseq = 0
        if "rseq" in response.headers and self._call and self._call.reliable is not Need.OFF:
            rseq = read_rseq(response)
        if rseq and not self._acknowledge_progress(fork, rseq, invite, response, now_s):
            self.step(LegInput.TRYING, now_s)  # no more than that; but CANCEL waits for no less
            return
        if not read_early(fork, response, bool(rseq), secured=self.secured):
            self.core.counts["bad-early-media"] += 1
        self.status = response.status
        self._early = fork.remote or self._early
        self.step(LegInput.RINGING, now_s)

    def _fork(self, tag: str) -> Fork:
        """Return the early dialog of a tag; beyond the limit, one that nobody keeps."""
        if self._forks is None:
            self._forks = {}
        fork = self._forks.get(tag)
        if fork is None:
            fork = Fork()
            if len(self._forks) < MAX_FORKS:
                self._forks[tag] = fork
        return fork

    def _acknowledge_progress(
        self, fork: Fork, rseq: int, invite: Client, response: Response, now_s: float
    ) -> bool:
        """Send PRACK for the next reliable response; one again or out of order is not taken.

        The far end repeats it until its PRACK has come, which a transaction sees to (RFC 3262 §4).
        """
        if fork.rseq and rseq != fork.rseq + 1:
            return False
        try:
            dialog = self._early_dialog(fork, invite, response)
        except ParseError:
            self.core.counts["bad-early-dialog"] += 1
            return False
        fork.rseq = rseq
        if self.authorizer is not None:
            self.authorizer.reset()
        Prack(self, dialog, rseq, invite).send(now_s)
        return True

    def _early_dialog(self, fork: Fork, invite: Client, response: Response) -> Dialog:
        if fork.dialog is None:
            own = self.dialog
            dialog = Dialog(
                own.origin,
                own.call_id,
                own.local,
                own.local_tag,
                own.remote,
                own.target,
                own.destination,
                own.salt,
                own.pinned,
            )
            dialog.cseq = invite.cseq
            dialog.establish(response)
            fork.dialog = dialog
        return fork.dialog

    def count_prack(self) -> int:
        """Return how many requests were sent in early dialogs, one more each time."""
        self._pracks += 1
        return self._pracks

    def find_dialog(self, tag: str) -> Dialog | Fork | None:
        """Return the dialog, or before the answer the early one, of the far end's tag."""
        if not self.dialog.remote_tag:
            return self._forks.get(tag) if self._forks and tag else None
        return super().find_dialog(tag)

    def on_early_update(self, fork: Fork, server: Server, request: Request, now_s: float) -> None:
        """Answer an UPDATE before the answer to our INVITE (RFC 3311 §5.2).

        Raises:
            ParseError: Its description is malformed.
        """
        core = self.core
        extra = f"Contact: {self.dialog.contact}\r\n"
        if not request.body:
            core.reply(server, request, 200, now_s, extra)
            return
        if not fork.agreed:
            core.reply(server, request, 491, now_s)  # our offer has no answer yet
            return
        remote = self.parse(request.body)
        body = self.describe_answer(remote)
        if body is None:
            core.reply(server, request, 488, now_s)
            return
        fork.remote = self._early = remote
        core.reply(server, request, 200, now_s, f"{extra}Allow: {ALLOW}\r\n{SDP_TYPE}", body)

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
        core, dialog = self.core, self.dialog
        call, self._call = self._call, None
        self._stop_ringing()
        fork = self._forks.get(response.to_tag) if self._forks else None
        self._forks = None
        if fork is not None:
            dialog.remote_cseq = fork.remote_cseq
            self._early = fork.remote or self._early
            if fork.dialog is not None:
                dialog.cseq = fork.dialog.cseq  # PRACKs were sent in it
        try:
            dialog.establish(response)
            agreed = fork is not None and fork.agreed  # what 2xx repeats is then no answer
            self.remote = self.parse(response.body) if response.body and not agreed else self._early
        except ParseError:
            core.counts["bad-answer"] += 1
            self._recover(response, call)
            return LegInput.UNUSABLE
        if not dialog.remote_tag:
            self._recover(response, call)
        self._early = None
        if not (self.remote and self.remote.usable):
            return LegInput.UNUSABLE
        if "session-expires" in response.headers:
            self.keeper = SessionTimer(self, call.shortest_s if call else SHORTEST_S)
            self.keeper.on_agreed(response, now_s)
        return LegInput.ANSWERED

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
        self.core.emit(Ringing(self.leg_id, self.status, self._early))

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
