"""Provisional responses that are acknowledged: order, PRACK, early dialogs (RFC 3262)."""

import re
from typing import TYPE_CHECKING, Final

from engine.telephony.sip import sdp
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Response
from engine.telephony.sip.sdp import RemoteMedia

if TYPE_CHECKING:
    from engine.telephony.sip.outgoing import OutgoingLeg

MAX_FORKS: Final = 16
"""Most early dialogs of one INVITE."""
_RSEQ: Final = re.compile(r"[0-9]{1,10}")


class Fork:
    """One early dialog of our INVITE (RFC 3261 §12.1.2).

    Attributes:
        remote: Its audio, once it described it.
        agreed: Whether that answered our offer for good: it came reliably.
        remote_cseq: CSeq of its last request, -1 before the first.
        rseq: RSeq of its last reliable response, 0 before the first.
        dialog: Its dialog, once a request of ours was sent in it.
    """

    __slots__ = ("agreed", "dialog", "remote", "remote_cseq", "rseq")

    def __init__(self) -> None:
        self.remote: RemoteMedia | None = None
        self.agreed = False
        self.remote_cseq = -1
        self.rseq = 0
        self.dialog: Dialog | None = None


def read_rseq(response: Response) -> int:
    """Return RSeq of a response that asks to be acknowledged, 0 if it does not (RFC 3262 §4)."""
    text = response.first("rseq").strip()
    try:
        wants = any(each.lower() == "100rel" for each in response.every("require"))
    except ParseError:
        return 0  # a wish that cannot be read is none; the response stands
    return int(text) if wants and response.to_tag and _RSEQ.fullmatch(text) else 0


def read_early(fork: Fork, response: Response, reliable: bool, *, secured: bool) -> bool:
    """Take what a provisional response says of audio; False: it cannot be read."""
    if not response.body or fork.agreed:
        return True  # an answer once given is not given again (RFC 3262 §5)
    try:
        fork.remote = sdp.parse(response.body, secured=secured)
    except ParseError:
        return False
    fork.agreed = reliable
    return True


class Prack:
    """The acknowledgement of one reliable provisional response."""

    __slots__ = ("_dialog", "_leg", "_rack")

    def __init__(self, leg: "OutgoingLeg", dialog: Dialog, rseq: int, invite: Client) -> None:
        self._leg = leg
        self._dialog = dialog
        self._rack = f"RAck: {rseq} {invite.cseq} INVITE\r\n"

    def send(self, now_s: float) -> None:
        """Send PRACK in the early dialog (RFC 3262 §7.2)."""
        leg, dialog = self._leg, self._dialog
        dialog.cseq += 1
        # Not the leg's next branch: those count its INVITEs, for who cancels after a restart.
        branch = f"{dialog.salt}p{leg.count_prack()}"
        extra = self._rack + leg.credentials("PRACK", dialog)
        wire = dialog.build("PRACK", branch, dialog.cseq, extra)
        leg.core.transactions.request("PRACK", branch, dialog.cseq, wire, dialog.hop, self, now_s)

    def on_response(self, _: Client, response: Response, now_s: float) -> None:
        """Answer a challenge; all else changes nothing, for the INVITE tells how it goes on."""
        if response.status in (401, 407) and self._leg.answers(response):
            self.send(now_s)

    def on_failure(self, _: Client, _timed_out: bool, _now_s: float) -> None:
        """Learn that nobody answers; the INVITE's own end will follow."""

    def build_ack(self, _: Client, _response: Response) -> bytes:
        """Return nothing: only an INVITE asks for it."""
        return b""
