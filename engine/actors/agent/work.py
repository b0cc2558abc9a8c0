"""The interaction an agent has in hand: its record, its call, its clocks, its listeners."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    CampaignMessage,
    JoinSupervision,
    SupervisionMessage,
    TakeCall,
    TakePreview,
)
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, RecordRef, SessionId
from engine.machines.mix import SupervisionMode


@dataclass(slots=True)
class Work:
    """A record in review, or a call.

    Attributes:
        campaign_id: Its campaign.
        campaign: Whom to tell what came of it.
        ref: The record.
        number: The customer's number.
        acw_limit_s: Longest after-call work; 0: no limit. [s]
        began_s: When it came to the agent. [s since the epoch]
        attempt_id: The call; None while the record is only looked at.
        customer_leg: The customer's leg, once there is one to be heard.
        hold_prompt: What the customer hears on hold; empty: nothing.
        joined_s: When both heard each other, or None. [s since the epoch]
        held_s: When the present hold began, or None. [s since the epoch]
        hold_s: Time on earlier holds. [s]
        ended_s: When after-call work began, or None. [s since the epoch]
    """

    campaign_id: CampaignId
    campaign: Ref[CampaignMessage]
    ref: RecordRef
    number: E164
    acw_limit_s: float
    began_s: float
    attempt_id: AttemptId | None = None
    customer_leg: LegId | None = None
    hold_prompt: str = ""
    joined_s: float | None = None
    held_s: float | None = None
    hold_s: float = 0.0
    ended_s: float | None = None

    @classmethod
    def of_call(cls, take: TakeCall, now_s: float) -> Self:
        """Return the work that a call brings."""
        return cls(
            campaign_id=take.campaign_id,
            campaign=take.campaign,
            ref=take.ref,
            number=take.number,
            acw_limit_s=take.acw_limit_s,
            began_s=now_s,
            attempt_id=take.attempt_id,
            customer_leg=take.customer_leg,
            hold_prompt=take.hold_prompt,
        )

    @classmethod
    def of_preview(cls, take: TakePreview, now_s: float) -> Self:
        """Return the work that a record for review brings."""
        return cls(
            campaign_id=take.campaign_id,
            campaign=take.campaign,
            ref=take.ref,
            number=take.number,
            acw_limit_s=take.acw_limit_s,
            began_s=now_s,
        )

    def hold(self, now_s: float) -> None:
        """Begin a hold."""
        self.held_s = now_s

    def resume(self, now_s: float) -> None:
        """End the hold, if there is one."""
        self.hold_s = self.hold_total_s(now_s)
        self.held_s = None

    def hold_total_s(self, now_s: float) -> float:
        """Return the time on hold so far. [s]"""
        return self.hold_s + (0.0 if self.held_s is None else now_s - self.held_s)

    def talk_s(self, now_s: float) -> float:
        """Return the connected time so far, hold left out. [s]"""
        if self.joined_s is None:
            return 0.0
        until_s = now_s if self.ended_s is None else self.ended_s
        return until_s - self.joined_s - self.hold_total_s(until_s)


@dataclass(slots=True)
class Listener:
    """A supervisor's leg in the agent's call."""

    session: Ref[SupervisionMessage]
    leg_id: LegId
    mode: SupervisionMode


class Listeners:
    """The supervision sessions on an agent's call."""

    __slots__ = ("_by_session",)

    def __init__(self) -> None:
        self._by_session: dict[SessionId, Listener] = {}

    def join(self, message: JoinSupervision) -> None:
        """Add a session's leg."""
        listener = Listener(message.session, message.leg_id, message.mode)
        self._by_session[message.session_id] = listener

    def change(self, session_id: SessionId, mode: SupervisionMode) -> bool:
        """Change a session's mode; says whether the session is in the call."""
        listener = self._by_session.get(session_id)
        if listener is None:
            return False
        listener.mode = mode
        return True

    def leave(self, session_id: SessionId) -> bool:
        """Take a session's leg out; says whether it was in the call."""
        return self._by_session.pop(session_id, None) is not None

    def modes(self) -> dict[LegId, SupervisionMode]:
        """Return what each supervisor's voice reaches, by leg."""
        return {listener.leg_id: listener.mode for listener in self._by_session.values()}

    def dismiss(self) -> Iterator[Listener]:
        """Take all out, and yield them."""
        while self._by_session:
            yield self._by_session.pop(next(iter(self._by_session)))
