"""What comes out of a simulation: figures, a hash of everything that happened, and the evidence."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from engine.domain.facts import (
    AgentChanged,
    AnyFact,
    AttemptAnswered,
    AttemptClosed,
    CallAnalysed,
    CallConnected,
    CallTreated,
    encode,
)
from engine.domain.ids import AgentId, AttemptId
from engine.telephony.simulated import Row

_row_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a checker reads: plain data, nothing of the engine.

    Attributes:
        rows: Of the witness, in order.
        facts: Of the log, in order, each with its name in ``type``.
        zones: For each number the zones its owner may be in.
        types: For each number its phone type.
        rules: For each campaign hours, guard and caps.
    """

    rows: Sequence[Mapping[str, object]]
    facts: Sequence[Mapping[str, object]]
    zones: Mapping[str, Sequence[str]]
    types: Mapping[str, str]
    rules: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """The figures of a simulation.

    Attributes:
        trace_hash: Of the witness's rows and the facts log (BLAKE2b); the same seed gives the same.
        attempts: INVITEs to called parties in the counted time.
        answered: Attempts that a person answered.
        connected: Calls joined to an agent.
        unattended: Attempts that count as unattended.
        unattended_ratio: Of these over the answered, in [0, 1].
        busy_share: Agents' time in calls and after-call work over that and the time they were
            ready, in [0, 1].
        crashes: Lives of the engine that ended in a crash.
        violations: What a checker found, one sentence each.
        faults: What the engine's actors raised; a sound engine raises nothing.
        verdicts: Answered calls by the verdict of their analysis, most frequent first; without
            analysis none.
        treated: Answered calls by the automated treatment they were given.
    """

    trace_hash: str
    attempts: int
    answered: int
    connected: int
    unattended: int
    unattended_ratio: float
    busy_share: float
    crashes: int
    violations: Sequence[str]
    faults: Sequence[str]
    verdicts: Mapping[str, int]
    treated: Mapping[str, int]


def hash_trace(rows: Sequence[Row], facts: Sequence[AnyFact]) -> str:
    """Return a hash of everything that was seen from outside and kept inside."""
    digest = blake2b(digest_size=16)
    for row in rows:
        digest.update(_row_encoder.encode(row))
    for fact in facts:
        digest.update(encode(fact))
    return digest.hexdigest()


def count(facts: Sequence[AnyFact], begins_s: float, ends_s: float) -> Counter[str]:
    """Return how many attempts came how far in a stretch of time. [s since the epoch]"""
    counts: Counter[str] = Counter()
    connected: set[AttemptId] = set()  # a call may be connected twice: an agent's phone fails
    for fact in facts:
        if not begins_s <= fact.at_s < ends_s:
            continue
        match fact:
            case AttemptAnswered(screened=False) | CallAnalysed(person=True):
                counts["answered"] += 1
            case CallConnected(attempt_id=attempt_id):
                connected.add(attempt_id)
            case AttemptClosed(unattended=True):
                counts["unattended"] += 1
            case _:
                pass
    counts["connected"] = len(connected)
    return counts


def screened(
    facts: Sequence[AnyFact], begins_s: float, ends_s: float
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return verdicts and treatments of a stretch of time, with their counts.

    Args:
        facts: Of the log.
        begins_s: First instant. [s since the epoch]
        ends_s: Instant after the last. [s since the epoch]
    """
    counted = [fact for fact in facts if begins_s <= fact.at_s < ends_s]
    verdicts = Counter(fact.verdict for fact in counted if isinstance(fact, CallAnalysed))
    treated = Counter(fact.treatment for fact in counted if isinstance(fact, CallTreated))
    return dict(verdicts.most_common()), dict(treated.most_common())


def busy_share(facts: Sequence[AnyFact], begins_s: float, ends_s: float) -> float:
    """Return the agents' time in calls and after-call work over that and the time ready."""
    spent: defaultdict[str, float] = defaultdict(float)
    standing: dict[AgentId, tuple[str, float]] = {}

    def pass_time(agent_id: AgentId, until_s: float) -> None:
        state, since_s = standing.get(agent_id, ("", until_s))
        spent[state] += max(0.0, min(until_s, ends_s) - max(since_s, begins_s))

    for fact in facts:
        if isinstance(fact, AgentChanged):
            pass_time(fact.agent_id, fact.at_s)
            standing[fact.agent_id] = (fact.state, fact.at_s)
    for agent_id in standing:
        pass_time(agent_id, ends_s)
    busy_s = spent["busy"] + spent["acw"]
    worked_s = busy_s + spent["ready"]
    return busy_s / worked_s if worked_s else 0.0
