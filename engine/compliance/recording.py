"""Whether a call is recorded now: the strongest of all that was said about it decides.

Weakest first: the contact centre, the campaign, the agent, a scenario's "do not record", what
agent or supervisor asked for by hand, a supervisor who listens, the agent's desktop software, a
scenario's ban. A pause is a pause of what would be recorded; it turns nothing on.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from engine.domain.specs import RecordingRule


class RecordingState(StrEnum):
    """What is done with a call's audio."""

    OFF = "off"
    ON = "on"
    PAUSED = "paused"


class RecordingAction(StrEnum):
    """What somebody asks for."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """What the contact centre says.

    Attributes:
        record: Its rule; ``INHERIT`` is none.
        during_monitoring: Whether a call is recorded while a supervisor listens.
        required: Whether no call that must be recorded may begin while nothing can be recorded.
    """

    record: RecordingRule = RecordingRule.NONE
    during_monitoring: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody has asked for so far.

    Attributes:
        on: Whether to record; None: neither start nor stop was asked for.
        paused: Whether to pause; None: neither pause nor resume was asked for since.
    """

    on: bool | None = None
    paused: bool | None = None

    def then(self, action: RecordingAction) -> "Asked":
        """Return what is asked for after one thing more."""
        match action:
            case RecordingAction.START | RecordingAction.STOP:
                return Asked(on=action is RecordingAction.START)
            case RecordingAction.PAUSE | RecordingAction.RESUME:
                return replace(self, paused=action is RecordingAction.PAUSE)


@dataclass(frozen=True, slots=True)
class RecordingWishes:
    """All that was said about one call.

    Attributes:
        centre: The contact centre's rule.
        campaign: The campaign's.
        agent: The agent's who has the call.
        unwanted: Whether a scenario said "do not record".
        manual: What agent and supervisor have asked for.
        monitored: Whether a supervisor listens, and the centre wants that recorded.
        desktop: What the agent's desktop software has asked for.
        banned: Whether a scenario banned recording.
    """

    centre: RecordingRule = RecordingRule.NONE
    campaign: RecordingRule = RecordingRule.INHERIT
    agent: RecordingRule = RecordingRule.INHERIT
    unwanted: bool = False
    manual: Asked = Asked()
    monitored: bool = False
    desktop: Asked = Asked()
    banned: bool = False


@dataclass(frozen=True, slots=True)
class RecordingVerdict:
    """What is to be done with a call's audio.

    Attributes:
        state: Recorded, paused, or not.
        why: Slug of what decided: ``centre``, ``campaign``, ``agent``, ``scenario``, ``manual``,
            ``monitoring``, ``desktop`` or ``ban``.
    """

    state: RecordingState
    why: str


def judge(wishes: RecordingWishes) -> RecordingVerdict:
    """Say whether a call is recorded now; a pure question."""
    verdict = RecordingVerdict(RecordingState.OFF, "centre")
    for rule, why in (
        (wishes.centre, "centre"),
        (wishes.campaign, "campaign"),
        (wishes.agent, "agent"),
    ):
        if rule is not RecordingRule.INHERIT:
            wanted = RecordingState.ON if rule is RecordingRule.ALL else RecordingState.OFF
            verdict = RecordingVerdict(wanted, why)
    if wishes.unwanted:
        verdict = RecordingVerdict(RecordingState.OFF, "scenario")
    verdict = _obey(verdict, wishes.manual, "manual")
    if wishes.monitored:
        verdict = RecordingVerdict(RecordingState.ON, "monitoring")
    verdict = _obey(verdict, wishes.desktop, "desktop")
    if wishes.banned:
        verdict = RecordingVerdict(RecordingState.OFF, "ban")
    return verdict


def _obey(before: RecordingVerdict, asked: Asked, why: str) -> RecordingVerdict:
    state = before.state
    if asked.on is not None:
        state = RecordingState.ON if asked.on else RecordingState.OFF
    if asked.paused is not None and state is not RecordingState.OFF:
        state = RecordingState.PAUSED if asked.paused else RecordingState.ON
    decided = asked.on is not None or state is not before.state
    return RecordingVerdict(state, why) if decided else before


def must_record(policy: RecordingPolicy, campaign: RecordingRule) -> bool:
    """Say whether a campaign's calls must be recorded, so that none may begin unrecorded."""
    wishes = RecordingWishes(centre=policy.record, campaign=campaign)
    return policy.required and judge(wishes).state is RecordingState.ON
