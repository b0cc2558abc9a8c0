"""What agents say a call came to: checked, made durable, then acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Effect, Refuse, Reply
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import DisposeCall, Journaled
from engine.domain.dispositions import Disposition, DispositionKind
from engine.domain.facts import DispositionSet
from engine.domain.ids import AttemptId
from engine.domain.refusals import DialerError, InvalidRequestError, UnknownCallError
from engine.machines.attempt import AttemptPhase

_DISPOSABLE = (AttemptPhase.CONNECTED, AttemptPhase.WRAP_UP)


@dataclass(frozen=True, slots=True)
class DisposalToken:
    """A disposition that waits to be durable."""

    attempt_id: AttemptId
    request_id: str
    reply_to: ReplyTo[None]


class Disposals:
    """The dispositions of one campaign's calls."""

    __slots__ = ("_attempts", "_context", "_durable")

    def __init__(self, context: CampaignContext, attempts: AttemptTable) -> None:
        self._context = context
        self._attempts = attempts
        self._durable: dict[AttemptId, str] = {}

    def dispose(self, message: DisposeCall, now_s: float) -> Sequence[Effect]:
        """Note a disposition; the last one before the attempt closes holds (A2)."""
        if message.request_id and self._durable.get(message.attempt_id) == message.request_id:
            return [Reply(message.reply_to)]
        try:
            attempt = self._attempt(message)
            disposition = self._check(message, now_s)
        except DialerError as error:
            return [Refuse(message.reply_to, error)]
        attempt.disposition = disposition
        attempt.callback_s = message.callback_s
        fact = DispositionSet(
            at_s=now_s,
            attempt_id=message.attempt_id,
            campaign_id=self._context.campaign_id,
            agent_id=message.agent_id,
            disposition=disposition.slug,
            notes=message.notes,
            callback_s=message.callback_s,
            callback_until_s=message.callback_until_s,
            request_id=message.request_id,
        )
        token = DisposalToken(message.attempt_id, message.request_id, message.reply_to)
        return [self._context.journal([fact], token)]

    def _attempt(self, message: DisposeCall) -> Attempt:
        attempt = self._attempts.find(message.attempt_id, *_DISPOSABLE)
        if attempt is None or attempt.agent_id != message.agent_id:
            raise UnknownCallError(f"calls/{message.attempt_id} is no call in hand")
        return attempt

    def _check(self, message: DisposeCall, now_s: float) -> Disposition:
        disposition = self._context.find_disposition(message.disposition)
        if disposition is None or not disposition.agent_visible:
            raise InvalidRequestError(
                f"campaigns/{self._context.campaign_id} has no disposition "
                f"{message.disposition!r} for agents",
                slug="unknown-disposition",
            )
        if not message.callback_s:
            return disposition
        if disposition.kind is not DispositionKind.CONTINUE:
            raise InvalidRequestError(
                f"{disposition.slug} is final, so the record cannot be called again",
                slug="final-disposition",
            )
        if message.callback_s <= now_s:
            raise InvalidRequestError("the callback begins in the past", slug="invalid-callback")
        if message.callback_until_s and message.callback_until_s <= message.callback_s:
            raise InvalidRequestError("the callback ends before it begins", slug="invalid-callback")
        return disposition

    def journaled(self, token: DisposalToken, message: Journaled) -> Sequence[Effect]:
        """Acknowledge what is durable."""
        if message.error is not None:
            return [Refuse(token.reply_to, message.error)]
        if token.request_id and self._attempts.find(token.attempt_id) is not None:
            self._durable = {
                known: request_id
                for known, request_id in self._durable.items()
                if self._attempts.find(known) is not None
            } | {token.attempt_id: token.request_id}
        return [Reply(token.reply_to)]
