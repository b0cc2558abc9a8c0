"""What the far end of our INVITE says before its answer: early dialogs, one a fork (§12.1.2)."""

from typing import TYPE_CHECKING

from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.leg import SDP_TYPE
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.reliable import MAX_FORKS, Fork, Prack, read_early, read_rseq
from engine.telephony.sip.responses import ALLOW
from engine.telephony.sip.sdp import RemoteMedia
from engine.telephony.sip.server_transaction import Server

if TYPE_CHECKING:
    from engine.telephony.sip.outgoing import OutgoingLeg


class EarlyDialogs:
    """The early dialogs of one INVITE.

    Attributes:
        remote: Where early media comes from, as any fork described it last.
    """

    __slots__ = ("_forks", "_leg", "remote")

    def __init__(self, leg: "OutgoingLeg") -> None:
        self._leg = leg
        self._forks: dict[str, Fork] = {}
        self.remote: RemoteMedia | None = None

    def find(self, tag: str) -> Fork | None:
        """Return the early dialog of a far end's tag."""
        return self._forks.get(tag)

    def take(self, invite: Client, response: Response, reliable: bool, now_s: float) -> bool:
        """Take a provisional response; False: it is one again, or out of order (RFC 3262 §4).

        Args:
            invite: The INVITE's transaction.
            response: The response, not 100.
            reliable: Whether we said that it may ask to be acknowledged.
            now_s: Now. [s]
        """
        leg, fork = self._leg, self._fork(response.to_tag)
        rseq = read_rseq(response) if reliable and "rseq" in response.headers else 0
        if rseq and not self._acknowledge(fork, rseq, invite, response, now_s):
            return False
        if not read_early(fork, response, bool(rseq), secured=leg.secured):
            leg.core.counts["bad-early-media"] += 1
        self.remote = fork.remote or self.remote
        return True

    def _fork(self, tag: str) -> Fork:
        """Return the early dialog of a tag; beyond the limit, one that nobody keeps."""
        fork = self._forks.get(tag)
        if fork is None:
            fork = Fork()
            if len(self._forks) < MAX_FORKS:
                self._forks[tag] = fork
        return fork

    def _acknowledge(
        self, fork: Fork, rseq: int, invite: Client, response: Response, now_s: float
    ) -> bool:
        """Send PRACK for the next reliable response; one again or out of order is not taken.

        The far end repeats it until its PRACK has come, which a transaction sees to (RFC 3262 §4).
        """
        leg = self._leg
        if fork.rseq and rseq != fork.rseq + 1:
            return False
        try:
            dialog = self._dialog(fork, invite, response)
        except ParseError:
            leg.core.counts["bad-early-dialog"] += 1
            return False
        fork.rseq = rseq
        if leg.authorizer is not None:
            leg.authorizer.reset()
        Prack(leg, dialog, rseq, invite).send(now_s)
        return True

    def _dialog(self, fork: Fork, invite: Client, response: Response) -> Dialog:
        if fork.dialog is None:
            own = self._leg.dialog
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

    def on_update(self, fork: Fork, server: Server, request: Request, now_s: float) -> None:
        """Answer an UPDATE before the answer to our INVITE (RFC 3311 §5.2).

        Raises:
            ParseError: Its description is malformed.
        """
        leg = self._leg
        core = leg.core
        extra = f"Contact: {leg.dialog.contact}\r\n"
        if not request.body:
            core.reply(server, request, 200, now_s, extra)
            return
        if not fork.agreed:
            core.reply(server, request, 491, now_s)  # our offer has no answer yet
            return
        remote = leg.parse(request.body)
        body = leg.describe_answer(remote)
        if body is None:
            core.reply(server, request, 488, now_s)
            return
        fork.remote = self.remote = remote
        core.reply(server, request, 200, now_s, f"{extra}Allow: {ALLOW}\r\n{SDP_TYPE}", body)
