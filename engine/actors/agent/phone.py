"""An agent's leg, as the agent's actor sees it: durable intent, answer, end."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import Journal
from engine.domain.causes import CANCELLED, RELEASED
from engine.domain.facts import AgentLegClosed, AgentLegIntended, AgentLegOpened
from engine.domain.ids import AgentId, IdSource, LegId
from engine.domain.refusals import JournalError
from engine.ports import CallPhone, DialogSeed, HangUp, LegAnswered, LegEnded


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The leg in hand: which one, and how its phone is called once the intent is durable."""

    call: CallPhone
    kept: bool
    placed: bool = False
    up: bool = False


class AgentPhone:
    """At most one leg at a time; an older one that is still ending is only written down.

    Args:
        agent_id: Under whose id the phone registers.
        ids: Source of leg ids.
        identify: How the INVITE of a leg will be known on the wire.
    """

    __slots__ = ("_agent_id", "_identify", "_ids", "_leg")

    def __init__(
        self, agent_id: AgentId, ids: IdSource, identify: Callable[[LegId], DialogSeed]
    ) -> None:
        self._agent_id = agent_id
        self._ids = ids
        self._identify = identify
        self._leg: _Wanted | None = None

    @property
    def leg_id(self) -> LegId | None:
        """The leg in hand, up or on its way."""
        return None if self._leg is None else self._leg.call.leg_id

    @property
    def up(self) -> bool:
        """Whether the phone is connected."""
        return self._leg is not None and self._leg.up

    def call(self, address: str, *, kept: bool, ring_s: float, now_s: float) -> list[Effect]:
        """Write down that the phone is about to be called; it rings once that is durable (D1).

        Args:
            address: Fixed SIP URI; empty: the registered phone.
            kept: Whether the leg outlives the call it is for.
            ring_s: Longest ringing. [s]
            now_s: The instant. [s since the epoch]
        """
        leg_id = self._ids.leg()
        self._leg = _Wanted(CallPhone(leg_id, self._agent_id, address, ring_s), kept)
        seed = self._identify(leg_id)
        fact = AgentLegIntended(
            at_s=now_s,
            agent_id=self._agent_id,
            leg_id=leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
        )
        return [Do(Journal((fact,), ("leg", leg_id)))]

    def journaled(self, token: object, error: JournalError | None, now_s: float) -> list[Effect]:
        """Call the phone whose intent is durable; close an intent nobody waits for any more."""
        leg = self._leg
        if leg is not None and token == ("leg", leg.call.leg_id):
            if error is not None:
                self._leg = None
                return []
            self._leg = _Wanted(leg.call, leg.kept, placed=True)
            return [Do(leg.call)]
        match token:
            case ("leg", str(leg_id)) if error is None:
                return [self._closed(LegId(leg_id), CANCELLED.slug, now_s)]
        return []

    def answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        """Note that the phone answered; an answer that crossed our end of it is the port's."""
        leg = self._leg
        if leg is None or leg.call.leg_id != event.leg_id:
            return []
        self._leg = _Wanted(leg.call, leg.kept, placed=True, up=True)
        fact = AgentLegOpened(
            at_s=now_s, agent_id=self._agent_id, leg_id=event.leg_id, dialog=event.dialog
        )
        return [Do(Journal((fact,), keep=True))]

    def ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        """Note that a leg, this one or an older one, is over."""
        if self.leg_id == event.leg_id:
            self._leg = None
        return [self._closed(event.leg_id, event.cause.slug, now_s)]

    def hang_up(self) -> list[Effect]:
        """End the leg in hand, whatever it does."""
        leg, self._leg = self._leg, None
        if leg is None or not leg.placed:
            return []
        return [Do(HangUp(leg.call.leg_id, RELEASED if leg.up else CANCELLED))]

    def release(self) -> list[Effect]:
        """End the leg in hand unless it is kept between calls."""
        return [] if self._leg is None or self._leg.kept else self.hang_up()

    def _closed(self, leg_id: LegId, cause: str, now_s: float) -> Effect:
        fact = AgentLegClosed(at_s=now_s, agent_id=self._agent_id, leg_id=leg_id, cause=cause)
        return Do(Journal((fact,), keep=True))
