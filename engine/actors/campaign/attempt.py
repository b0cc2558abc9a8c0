"""One attempt: a row with a state machine, from the reserved record to the one outcome."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.actors.messages import ReservedRecord
from engine.domain.causes import CANCELLED, Cause
from engine.domain.dispositions import Disposition
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, AttemptId, LegId, TrunkId
from engine.machines.attempt import ATTEMPT, AttemptPhase
from engine.machines.scenario import ScenarioRun

WAITING = frozenset({AttemptPhase.QUEUED, AttemptPhase.OFFERED})
"""A person is on the line and hears nobody yet."""
UNANSWERED = frozenset({AttemptPhase.RESERVED, AttemptPhase.DIALING, AttemptPhase.RINGING})


@dataclass(slots=True)
class Attempt:
    """One attempt under way.

    Attributes:
        attempt_id: Its id.
        record: What it is made on.
        leg_id: The customer's leg (the newest, after a reroute).
        trunk_id: Trunk of that leg.
        previewer: Agent who has it called after a preview, or None.
        phase: Where it stands.
        launched_s: When its first INVITE left, 0 before. [s since the epoch]
        placed_s: When the INVITE of its present leg left, 0 before. [s since the epoch]
        answered_s: When it was answered, 0 before. [s since the epoch]
        waits_s: Since when the person waits for an agent. [s since the epoch]
        screened: Whether call progress analysis listens, or listened.
        person: Whether it counts as answered by a person.
        treated: Whether it was answered and for no agent, so that pacing is done with it.
        scenario: Where the person stands in the campaign's scenario, or None.
        outcome: What the engine will say it came to.
        noted: What its scenario said it came to.
        opted_out: Whether the called party had the number put on the do-not-call list.
        unplayed: Whether a prompt of its treatment could not be played.
        ending: Whether the engine has hung up a treated call.
        agent_id: Agent reserved or connected.
        disposition: What an agent said it came to.
        callback_s: When an agent promised to call again, or 0. [s since the epoch]
        unattended: Whether it counts as unattended.
        connected: Whether an agent ever had it.
        ended_by: Who asked for its end, or empty.
        tried: Trunks that failed it.
        caller_id: Number it shows, over every trunk; None: the campaign had none.
        cause: Why its leg ended.
        sip_status: Final status of its INVITE, or 0.
        q850: Q.850 cause that came with its end, or 0.
        unrecorded: Whether its scenario said "do not record".
        recording_banned: Whether it banned that for good.
    """

    attempt_id: AttemptId
    record: ReservedRecord
    leg_id: LegId
    trunk_id: TrunkId
    previewer: AgentId | None = None
    phase: AttemptPhase = ATTEMPT.initial
    launched_s: float = 0.0
    placed_s: float = 0.0
    answered_s: float = 0.0
    waits_s: float = 0.0
    screened: bool = False
    person: bool = True
    treated: bool = False
    scenario: ScenarioRun | None = None
    outcome: Disposition | None = None
    noted: Disposition | None = None
    opted_out: bool = False
    unplayed: bool = False
    ending: bool = False
    agent_id: AgentId | None = None
    disposition: Disposition | None = None
    callback_s: float = 0.0
    unattended: bool = False
    connected: bool = False
    ended_by: str = ""
    tried: tuple[TrunkId, ...] = ()
    caller_id: E164 | None = None
    cause: Cause = CANCELLED
    sip_status: int = 0
    q850: int = 0
    unrecorded: bool = False
    recording_banned: bool = False

    def step(self, event: type) -> None:
        """Go where the table says."""
        self.phase = ATTEMPT.step(self.phase, event)


class AttemptTable:
    """The attempts of one campaign that have no outcome yet, by id and by customer's leg."""

    __slots__ = ("_by_id", "_by_leg")

    def __init__(self) -> None:
        self._by_id: dict[AttemptId, Attempt] = {}
        self._by_leg: dict[LegId, Attempt] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Attempt]:
        """Yield all, as they were when asked for."""
        return iter(list(self._by_id.values()))

    def find(self, attempt_id: AttemptId, *phases: AttemptPhase) -> Attempt | None:
        """Return an attempt without an outcome, if it is one (and stands in one of the phases)."""
        attempt = self._by_id.get(attempt_id)
        if attempt is None or (phases and attempt.phase not in phases):
            return None
        return attempt

    def find_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt whose customer's leg this is, while the leg is open."""
        return self._by_leg.get(leg_id)

    def has_leg(self, attempt: Attempt) -> bool:
        """Say whether an attempt's leg is open."""
        return attempt.leg_id in self._by_leg

    def add(self, attempt: Attempt) -> None:
        """Note a new attempt."""
        self._by_id[attempt.attempt_id] = attempt

    def open_leg(self, attempt: Attempt) -> None:
        """Note that an attempt's leg is being opened."""
        self._by_leg[attempt.leg_id] = attempt

    def close_leg(self, leg_id: LegId) -> Attempt | None:
        """Note that a leg is over, or is no longer of interest; return its attempt."""
        return self._by_leg.pop(leg_id, None)

    def remove(self, attempt: Attempt) -> None:
        """Forget an attempt that has its outcome."""
        del self._by_id[attempt.attempt_id]

    def count(self, *phases: AttemptPhase) -> int:
        """Return how many stand in one of the phases."""
        return sum(attempt.phase in phases for attempt in self._by_id.values())

    def longest_wait_s(self, now_s: float) -> float:
        """Return how long the first of those who wait for an agent has waited. [s]"""
        since = (each.waits_s for each in self._by_id.values() if each.phase in WAITING)
        return now_s - min(since, default=now_s)
