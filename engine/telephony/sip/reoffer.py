"""Offers inside a dialog: re-INVITE both ways with glare, and UPDATE (RFC 3261 §14, RFC 3311)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.events import MediaChanged, ReofferRefused
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.leg_table import LegInput
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.responses import ALLOW, SUPPORTED
from engine.telephony.sip.sdp import Direction
from engine.telephony.sip.server_transaction import Server
from engine.telephony.sip.session import SessionTimer, answer_terms
from engine.telephony.sip.timers import Timer
from engine.telephony.sip.unacked import UnackedOk

if TYPE_CHECKING:
    from engine.telephony.sip.leg import Leg

_SDP_TYPE: Final = "Content-Type: application/sdp\r\n"
_RETRY: Final = "retry"


class Reoffer:
    """What goes on in one dialog: at most one offer at a time, ours or theirs."""

    __slots__ = ("_due", "_invite", "_leg", "_retry", "_sent", "_tries", "_wanted")

    def __init__(self, leg: "Leg") -> None:
        self._leg = leg
        self._invite: Client | None = None
        self._wanted: Direction | None = None
        self._sent = leg.direction
        self._due = False  # a refresh of the session is wanted, with or without a new offer
        self._retry: Timer | None = None
        self._tries = 0

    def stop(self) -> None:
        """Forget what waits: the dialog goes."""
        if self._retry is not None:
            self._retry.stop()
            self._retry = None
        self._wanted = None
        self._due = False
        if self._invite is not None:
            self._invite.abandon()
            self._invite = None

    # --- ours ----------------------------------------------------------------------------------

    def offer(self, direction: Direction, now_s: float) -> None:
        """Offer our media anew, in some direction; a later wish replaces one that waits."""
        self._wanted = direction
        self._start(now_s)

    def refresh(self, now_s: float) -> None:
        """Repeat the offer that stands, to keep the session alive (RFC 4028 §7.4)."""
        self._due = True
        self._start(now_s)

    def _start(self, now_s: float) -> None:
        if self._invite is not None or self._retry is not None:
            return  # what is under way comes first, and looks again at what is wanted
        if self._leg.authorizer is not None:
            self._leg.authorizer.reset()
        if self._leg.unacked is not None:
            self._wait_for_glare(now_s)  # theirs is not over: RFC 3261 §14.1 forbids ours
            return
        self._send(now_s)

    def _send(self, now_s: float) -> None:
        leg = self._leg
        if self._wanted is None and not self._due:
            return
        extra = f"Contact: {leg.dialog.contact}\r\nAllow: {ALLOW}\r\n"
        if leg.keeper is not None:
            extra += leg.keeper.headers()
        extra += leg.credentials("INVITE")
        self._sent = self._wanted or leg.direction
        body = leg.describe(self._wanted) if self._wanted else leg.describe_again()
        self._invite = leg.request("INVITE", now_s, extra + _SDP_TYPE, body)

    def on_response(self, transaction: Client, response: Response, now_s: float) -> None:
        """Take a response to our re-INVITE."""
        status = response.status
        leg = self._leg
        if status < 200:
            return
        if status < 300:
            leg.acknowledge(transaction.cseq)  # each time that it comes
        if transaction is not self._invite:
            return
        self._invite = None
        if status < 300:
            self._agree(response, now_s)
        elif status == 491:
            self._wait_for_glare(now_s, response)
        elif status in (408, 481):
            leg.note(response, status)
            leg.step(LegInput.UNHEARD, now_s)
        elif (status in (401, 407) and leg.answers(response)) or (
            status == 422 and leg.keeper is not None and leg.keeper.lengthen(response)
        ):
            self._send(now_s)
        else:
            self._refused(status, now_s, response)

    def on_failure(self, now_s: float) -> None:
        """Learn that our re-INVITE was not answered: the dialog is gone (RFC 3261 §14.1)."""
        self._invite = None
        self._leg.step(LegInput.UNHEARD, now_s)

    def _agree(self, response: Response, now_s: float) -> None:
        leg = self._leg
        self._tries = 0
        self._due = False
        if leg.keeper is None and "session-expires" in response.headers:
            leg.keeper = SessionTimer(leg)
        if leg.keeper is not None:
            leg.keeper.on_agreed(response, now_s)
        try:
            leg.follow(response.first("contact"), now_s)
            if self._wanted is None and not response.body:
                return  # a refresh answered without words
            remote = leg.parse(response.body)
        except ParseError:
            leg.core.counts["bad-answer"] += 1
            self._refused(488, now_s)
            return
        changed = self._wanted is not None or remote != leg.remote
        if self._wanted is self._sent:
            self._wanted = None
        leg.direction = self._sent
        leg.remote = remote
        if changed:
            leg.core.emit(MediaChanged(leg.leg_id, remote, leg.agree(remote)))
        self._start_wanted(now_s)

    def _start_wanted(self, now_s: float) -> None:
        """Offer what was wished for while another offer was under way."""
        if self._wanted is not None or self._due:
            self._start(now_s)

    def _refused(self, status: int, now_s: float, response: Response | None = None) -> None:
        """Leave all as it was: the offer is not made again, a refresh in time."""
        leg = self._leg
        wanted, self._wanted = self._wanted, None
        due, self._due = self._due, False
        self._tries = 0
        leg.offer_version = 0
        if wanted is not None:
            leg.core.emit(ReofferRefused(leg.leg_id, status))
        if due and leg.keeper is not None and response is not None:
            leg.keeper.on_refused(response, now_s)

    def _wait_for_glare(self, now_s: float, response: Response | None = None) -> None:
        """Try again after a wait that differs between the two ends (RFC 3261 §14.1)."""
        self._tries += 1
        if self._tries > 5:
            self._refused(491, now_s, response)
            return
        leg = self._leg
        share = leg.core.tokens.share(f"{leg.leg_id} {self._tries}")
        owner = leg.dialog.call_id.endswith(f"@{leg.core.tokens.realm}")
        wait_s = 2.1 + 1.9 * share if owner else 2.0 * share
        self._retry = leg.core.timers.start(round(wait_s, 2), now_s, self, _RETRY)

    def on_timer(self, _: str, now_s: float) -> None:
        """Offer again after glare."""
        self._retry = None
        if self._leg.unacked is not None:
            self._wait_for_glare(now_s)
        else:
            self._send(now_s)

    # --- theirs --------------------------------------------------------------------------------

    def guard(
        self,
        take: Callable[[Server, Request, float], None],
        server: Server,
        request: Request,
        now_s: float,
    ) -> None:
        """Let an offer be taken; a malformed one is answered by its transaction."""
        try:
            take(server, request, now_s)
        except ParseError as error:
            self._leg.core.counts["garbage"] += 1
            self._leg.core.reply(server, request, error.status, now_s)

    def on_invite(self, server: Server, request: Request, now_s: float) -> None:
        """Answer the far end's re-INVITE (RFC 3261 §14.2)."""
        leg = self._leg
        core = leg.core
        if self._invite is not None:
            core.reply(server, request, 491, now_s)
        elif leg.unacked is not None:
            wait_s = int(10 * core.tokens.share(f"{leg.leg_id} {request.cseq}"))
            core.reply(server, request, 500, now_s, f"Retry-After: {wait_s}\r\n")
        else:
            self._take(server, request, now_s)

    def on_early(self, server: Server, request: Request, now_s: float) -> None:
        """Answer what comes before our own answer to their INVITE (RFC 3261 §14.2)."""
        leg = self._leg
        if request.method == "UPDATE" and not request.body:
            self.on_update(server, request, now_s)
            return
        wait_s = int(10 * leg.core.tokens.share(f"{leg.leg_id} {request.cseq}"))
        leg.core.reply(server, request, 500, now_s, f"Retry-After: {wait_s}\r\n")

    def on_update(self, server: Server, request: Request, now_s: float) -> None:
        """Answer the far end's UPDATE, with or without an offer (RFC 3311 §5.2)."""
        leg = self._leg
        contact = f"Contact: {leg.dialog.contact}\r\n"
        if not request.body:
            leg.follow(request.first("contact"), now_s)
            contact += answer_terms(leg, request, now_s)
            leg.core.reply(server, request, 200, now_s, contact)
        elif self._invite is not None or (leg.unacked is not None and leg.unacked.wants_answer):
            leg.core.reply(server, request, 491, now_s)  # an offer of ours has no answer yet
        else:
            self._take(server, request, now_s)

    def _take(self, server: Server, request: Request, now_s: float) -> None:
        leg = self._leg
        remote = leg.parse(request.body) if request.body else None
        body = leg.describe_answer(remote) if remote else leg.describe()
        if body is None:
            leg.core.reply(server, request, 488, now_s)
            return
        leg.follow(request.first("contact"), now_s)
        extra = f"Contact: {leg.dialog.contact}\r\nAllow: {ALLOW}\r\nSupported: {SUPPORTED}\r\n"
        extra += answer_terms(leg, request, now_s) + _SDP_TYPE
        wire = leg.core.reply(server, request, 200, now_s, extra, body)
        if request.method == "INVITE":
            leg.unacked = UnackedOk(
                leg.core.timers,
                leg.core.transactions.send,
                wire,
                server.destination,
                request.cseq,
                remote is None,
                self._on_no_ack,
                now_s,
            )
        if remote is not None:
            leg.remote = remote
            leg.core.emit(MediaChanged(leg.leg_id, remote, leg.agree(remote)))

    def on_ack(self, ack: Request) -> None:
        """Take the ACK for our 2xx, with the answer if the offer was ours."""
        leg = self._leg
        unacked = leg.unacked
        if unacked is None or ack.cseq != unacked.cseq:
            return
        unacked.stop()
        leg.unacked = None
        if not unacked.wants_answer:
            return
        try:
            leg.remote = leg.parse(ack.body)
        except ParseError:
            leg.core.counts["bad-answer"] += 1
            return
        leg.core.emit(MediaChanged(leg.leg_id, leg.remote, leg.agree(leg.remote)))

    def _on_no_ack(self, now_s: float) -> None:
        self._leg.unacked = None
        self._leg.step(LegInput.GAVE_UP, now_s)
