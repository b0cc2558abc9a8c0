"""A leg that calls us: ring, answer, refuse (RFC 3261 §13.3)."""

from engine.telephony.sip import sdp
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.leg import SDP_TYPE, Leg
from engine.telephony.sip.leg_table import LEG, LegInput, LegPhase
from engine.telephony.sip.message import Request
from engine.telephony.sip.responses import ALLOW, SUPPORTED
from engine.telephony.sip.sdp import LocalMedia, RemoteMedia
from engine.telephony.sip.server_transaction import Server
from engine.telephony.sip.session import answer_terms
from engine.telephony.sip.unacked import UnackedOk

_NO_MEDIA = LocalMedia("127.0.0.1", 9)


class IncomingLeg(Leg):
    """A leg that began with the far end's INVITE."""

    __slots__ = ("_invite", "_refusal", "_server", "offered")

    def __init__(
        self, core: Core, leg_id: str, invite: Request, server: Server, source: Destination
    ) -> None:
        """Take an INVITE that the screen let in.

        Raises:
            ParseError: Its dialog or its offer is malformed.
        """
        names = core.tokens.leg(leg_id)
        to_value = f"{invite.headers['to'][0]};tag={names.tag}"
        dialog = Dialog(
            core.origin, invite.call_id, to_value, names.tag, "", "", source, names.salt
        )
        dialog.accept(invite, to_value)
        super().__init__(core, leg_id, dialog, _NO_MEDIA, names.session)
        self.phase = LEG.initial[1]
        self.offered: RemoteMedia | None = sdp.parse(invite.body) if invite.body else None
        self._invite: Request | None = invite
        self._server = server
        self._refusal = 480
        server.user = self

    def ring(self, now_s: float) -> None:
        """Tell the far end that we ring."""
        if self.phase is LegPhase.OFFERED:
            self._reply(180, now_s)

    def answer(self, media: LocalMedia, now_s: float) -> bool:
        """Answer with our end of the audio; False: nothing of the offer can be used (488)."""
        self.media = media
        if self.offered is not None and self.describe_answer(self.offered) is None:
            self.refuse_with(488, now_s)
            return False
        self.version = 0
        self.step(LegInput.ANSWER, now_s)
        return True

    def refuse_with(self, status: int, now_s: float) -> None:
        """End the leg; if it still waits for an answer, this status is it."""
        self._refusal = status
        self.step(LegInput.HANG_UP, now_s)

    def send_ok(self, now_s: float) -> None:
        """Answer 200, again until ACK."""
        invite = self._invite
        if invite is None:
            return
        if self.offered is not None:
            self.remote = self.offered
            body = self.describe_answer(self.offered) or b""
        else:
            body = self.describe()
        extra = f"Contact: {self.dialog.contact}\r\nAllow: {ALLOW}\r\nSupported: {SUPPORTED}\r\n"
        extra += answer_terms(self, invite, now_s)
        wire = self._reply(200, now_s, extra + SDP_TYPE, body)
        self.unacked = UnackedOk(
            self.core.timers,
            self.core.transactions.send,
            wire,
            self._server.destination,
            invite.cseq,
            self.offered is None,
            self._on_no_ack,
            now_s,
        )
        self._invite = None

    def refuse(self, now_s: float) -> None:
        """Refuse the INVITE."""
        self._reply(self._refusal, now_s)

    def on_cancel(self, cancel: Request, now_s: float) -> None:
        """Take the far end's CANCEL: 487 for the INVITE (RFC 3261 §9.2)."""
        self.note(cancel)
        self._refusal = 487
        self.step(LegInput.CANCELLED, now_s)

    def on_bye(self, now_s: float) -> None:
        """Take a BYE; an INVITE that still waits gets 487 (RFC 3261 §15.1.2)."""
        self._refusal = 487
        self.step(LegInput.BYE, now_s)

    def on_ack(self, _: Server, ack: Request, now_s: float) -> None:
        """Take an ACK with the branch of its INVITE, as some phones send it."""
        self.take_ack(ack, now_s)

    def on_unanswered(self, _: Server, now_s: float) -> None:
        """Learn that our answer could not be sent, or the refusal was never acknowledged."""
        self.step(LegInput.UNHEARD, now_s)

    def take_ack(self, ack: Request, now_s: float) -> None:
        """Take the ACK for our 2xx; it may carry the answer to our offer."""
        unacked = self.unacked
        if unacked is None or ack.cseq != unacked.cseq or self.phase is LegPhase.UP:
            super().take_ack(ack, now_s)
            return
        unacked.stop()
        self.unacked = None
        if unacked.wants_answer:
            try:
                self.remote = self.parse(ack.body)
            except ParseError:
                self.core.counts["bad-answer"] += 1
        usable = self.remote is not None and self.remote.usable
        self.step(LegInput.ACKED if usable else LegInput.UNUSABLE, now_s)

    def _on_no_ack(self, now_s: float) -> None:
        self.unacked = None
        self.step(LegInput.GAVE_UP, now_s)

    def _reply(self, status: int, now_s: float, extra: str = "", body: bytes = b"") -> bytes:
        invite = self._invite
        if invite is None:
            return b""
        if status == 180:
            extra = f"Contact: {self.dialog.contact}\r\n"
        return self.core.reply(
            self._server, invite, status, now_s, extra, body, self.dialog.local_tag
        )
