"""An independent check of what an engine did: reads a witness's rows and the facts, no more.

It knows nothing of the engine but the names in its facts, and keeps its own books: zones, caps and
intervals are worked out anew. Each answer is one sentence that names the invariant it breaks:

| name | what must hold |
| --- | --- |
| D1 | before an INVITE, a durable intent names its Call-ID |
| D2 | no two open attempts on one number |
| D3 | attempts on a record and on a number stay under their caps, over crashes too |
| D4 | at the INVITE the hour is lawful in every zone of the number |
| D5 | no INVITE to a number after its do-not-call entry was acknowledged |
| D6 | no INVITE of a campaign between an acknowledged Stop and the next Start |
| C1 | every leg ends; those of a dead life within 5 s of the restart |
| C5 | an agent talks with one customer at most, and a customer with one agent |
| C6 | a person who has answered, and said hello, hears an agent or a message, or is let go |
| A1 | every attempt has exactly one outcome, and acknowledged dispositions are kept |
| A3 | only calls that a person answered count as unattended; no budget exceeds what the log says |
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Protocol
from zoneinfo import ZoneInfo

# Any: rows and facts are plain data from outside, as JSON gives them.
Row = Mapping[str, Any]
SIGNAL_S = 0.1
"""Signalling and media need so long to make a decision heard. [s]"""
LATE_S = 0.5
"""Media that says nothing is waited for so much longer than its own limit. [s]"""
TOLD_S = 15.0
"""A budget that is told may be so much older than the telling. [s]"""
WINDOWS_S = {"rolling-24h": 86_400.0, "rolling-30d": 30 * 86_400.0}
EDGE = 2 / 48
"""Share of a window that its edge may be off by."""
OLD_LEG_S = 5.0
"""A restarted engine has so long to end the legs of its last life."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one campaign was told to obey.

    Attributes:
        hours: Calling hours: (opens_s, closes_s, phone types or none for all, weekdays).
        guard_s: No call starts within this time of the end. [s]
        record_cap: Most attempts on a record.
        number_cap: Most attempts on one number of a record.
        retries: Most quick retries that belong to one attempt.
        unattended_s: A person hears nobody for no longer than this. [s]
        analysis_s: Longest call progress analysis; 0: none. [s]
        cap: Most unattended calls over answered ones, in [0, 1].
        false_machine_ratio: Share of persons that analysis is thought to take for machines.
        false_machine_windows: Rule windows that count these persons.
    """

    hours: Sequence[tuple[int, int, Sequence[str], Sequence[int]]]
    guard_s: float
    record_cap: int
    number_cap: int
    retries: int
    unattended_s: float = 2.0
    analysis_s: float = 0.0
    cap: float = 0.03
    false_machine_ratio: float = 0.01
    false_machine_windows: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What is true of the people called, whatever the engine believes.

    Attributes:
        zones: For each number the zones its owner may be in.
        types: For each number its phone type.
        rules: By campaign.
    """

    zones: Mapping[str, Sequence[str]]
    types: Mapping[str, str]
    rules: Mapping[str, Rules]


class Evidence(Protocol):
    """What a simulation hands over (``engine.simulation``): plain data, nothing of the engine."""

    @property
    def rows(self) -> Sequence[Row]:
        """Of the witness, in order."""
        ...

    @property
    def facts(self) -> Sequence[Row]:
        """Of the log, in order."""
        ...

    @property
    def zones(self) -> Mapping[str, Sequence[str]]:
        """For each number the zones its owner may be in."""
        ...

    @property
    def types(self) -> Mapping[str, str]:
        """For each number its phone type."""
        ...

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """For each campaign the fields of ``Rules``."""
        ...


@dataclass(slots=True)
class _Leg:
    """What the witness saw of one leg."""

    row: Row
    answered_s: float | None = None
    ended_s: float | None = None
    ends: int = 0


@dataclass(slots=True)
class _Counts:
    """When calls of a campaign were answered, passed on by analysis, and lost. [s]"""

    answered: list[float] = field(default_factory=list)
    passed: list[float] = field(default_factory=list)
    unattended: list[float] = field(default_factory=list)

    def sort(self) -> None:
        """Put them in order of time: the log is in order of durability."""
        for times in (self.answered, self.passed, self.unattended):
            times.sort()

    def budget(self, rules: Rules, at_s: float) -> float:
        """Return the largest budget that the tightest rolling window can leave. [calls]"""
        return min(self._left(rules, at_s, *window) for window in WINDOWS_S.items())

    def _left(self, rules: Rules, at_s: float, name: str, length_s: float) -> float:
        share = rules.false_machine_ratio if name in rules.false_machine_windows else 0.0
        sure = (at_s - length_s * (1 - EDGE), at_s - TOLD_S)
        cut_off = share / (1 - share) * _within(self.passed, *sure)
        answered = _within(self.answered, at_s - length_s * (1 + EDGE), at_s)
        return rules.cap * (answered + cut_off) - _within(self.unattended, *sure) - cut_off


def _within(times: Sequence[float], after_s: float, until_s: float) -> int:
    return max(bisect_right(times, until_s) - bisect_right(times, after_s), 0)


@dataclass(slots=True)
class _Books:
    """Rows and facts, put in order for the questions."""

    legs: dict[str, _Leg] = field(default_factory=dict)
    intents: dict[str, tuple[int, Row]] = field(default_factory=dict)
    attempts: dict[str, Row] = field(default_factory=dict)


def check(rows: Sequence[Row], facts: Sequence[Row], world: World) -> list[str]:
    """Return what was violated, worst first by invariant; nothing when all is well.

    Args:
        rows: Of the witness, in order.
        facts: Of the log, in order from its first; each a mapping with its name in ``type``.
        world: Zones, hours and caps as they truly are.
    """
    books = _read(rows, facts)
    found = [
        *_intents(books),
        *_overlaps(books),
        *_caps(books, world),
        *_hours(books, world),
        *_do_not_call(rows),
        *_stops(rows, books),
        *_ends(rows, books),
        *_mix(rows, books),
        *_silences(rows, facts, books, world),
        *_unattended(facts),
        *_budgets(facts, world),
        *_outcomes(rows, facts, books),
    ]
    return sorted(found, key=lambda violation: violation[:2])


def check_evidence(evidence: Evidence) -> list[str]:
    """Return what a simulation violated, as ``check`` does."""
    rules = {campaign: Rules(**kept) for campaign, kept in evidence.rules.items()}
    return check(evidence.rows, evidence.facts, World(evidence.zones, evidence.types, rules))


def _read(rows: Sequence[Row], facts: Sequence[Row]) -> _Books:
    books = _Books()
    for sequence, fact in enumerate(facts, 1):
        kind = fact["type"]
        if kind in {"AttemptIntended", "AttemptRerouted", "AgentLegIntended"}:
            books.intents[fact["call_id"]] = (sequence, fact)
        if kind == "AttemptIntended":
            books.attempts[fact["attempt_id"]] = fact
    for row in rows:
        kind = row["kind"]
        if kind == "invite":
            books.legs[row["leg"]] = _Leg(row)
        elif kind == "answer":
            books.legs[row["leg"]].answered_s = row["at_s"]
        elif kind == "end":
            leg = books.legs[row["leg"]]
            leg.ended_s = row["at_s"]
            leg.ends += 1
    return books


def _calls(books: _Books) -> Iterator[_Leg]:
    return (leg for leg in books.legs.values() if leg.row["side"] == "customer")


# --- D: dialing ----------------------------------------------------------------------------


def _intents(books: _Books) -> Iterator[str]:
    for leg in books.legs.values():
        row = leg.row
        sequence, fact = books.intents.get(row["call_id"], (0, {}))
        if not sequence:
            yield f"D1: {row['leg']} to {row['number']} left without any intent"
        elif sequence > row["durable"]:
            yield f"D1: {row['leg']} to {row['number']} left before its intent was durable"
        elif row["side"] == "customer" and fact["type"] == "AttemptIntended":
            wrong = [name for name in ("number", "caller_id") if fact[name] != row[name]]
            if wrong or fact["trunk_id"] != row["trunk"]:
                yield f"D1: {row['leg']} is not the call that its intent tells of"


def _overlaps(books: _Books) -> Iterator[str]:
    until: dict[str, float] = {}
    for leg in sorted(_calls(books), key=lambda each: each.row["at_s"]):
        number, begun_s = leg.row["number"], leg.row["at_s"]
        if begun_s < until.get(number, begun_s):
            yield f"D2: {number} was called at {_told(begun_s)} with an attempt on it open"
        ended_s = float("inf") if leg.ended_s is None else leg.ended_s
        until[number] = max(until.get(number, 0.0), ended_s)


def _caps(books: _Books, world: World) -> Iterator[str]:
    records: Counter[tuple[str, str, int]] = Counter()
    numbers: Counter[tuple[str, str, int, int]] = Counter()
    retries: Counter[tuple[str, str, int]] = Counter()
    for fact in _attempts_made(books):
        record = (fact["campaign_id"], fact["list_id"], fact["row"])
        rules = world.rules[fact["campaign_id"]]
        if fact.get("retry"):
            retries[record] += 1
            if retries[record] > rules.retries:
                yield f"D3: {record} had quick retry {retries[record]} of {rules.retries}"
            continue
        retries[record] = 0
        records[record] += 1
        number = (*record, fact["number_index"])
        numbers[number] += 1
        if records[record] > rules.record_cap:
            yield f"D3: {record} had attempt {records[record]} of {rules.record_cap}"
        if numbers[number] > rules.number_cap:
            yield f"D3: {number} had attempt {numbers[number]} of {rules.number_cap}"


def _attempts_made(books: _Books) -> Iterator[Row]:
    """Give each attempt of which an INVITE was seen, once, in the order of the INVITEs."""
    seen = set()
    for leg in _calls(books):
        _, fact = books.intents.get(leg.row["call_id"], (0, {}))
        attempt = fact.get("attempt_id")
        if attempt in books.attempts and attempt not in seen:
            seen.add(attempt)
            yield books.attempts[attempt]


def _hours(books: _Books, world: World) -> Iterator[str]:
    for leg in _calls(books):
        number, at_s = leg.row["number"], leg.row["at_s"]
        _, fact = books.intents.get(leg.row["call_id"], (0, {}))
        rules = world.rules.get(fact.get("campaign_id", ""))
        if rules is None:
            continue  # D1 tells of it
        zones = world.zones.get(number, ())
        if not zones:
            yield f"D4: {number} was called though nobody knows where it is"
        for zone in zones:
            if not _lawful(rules, world.types[number], zone, at_s):
                yield f"D4: {number} was called at {_told(at_s, zone)} in {zone}"


def _lawful(rules: Rules, phone_type: str, zone: str, at_s: float) -> bool:
    local = datetime.fromtimestamp(at_s, UTC).astimezone(_zone(zone))
    clock_s = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    return any(
        opens_s <= clock_s < closes_s - rules.guard_s
        and local.weekday() in days
        and (not types or phone_type in types)
        for opens_s, closes_s, types, days in rules.hours
    )


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _do_not_call(rows: Sequence[Row]) -> Iterator[str]:
    listed: dict[str, float] = {}
    for row in rows:
        match row["kind"]:
            case "dnc-added":
                listed[row["number"]] = row["at_s"]
            case "dnc-removing":
                listed.pop(row["number"], None)
            case "invite" if row["number"] in listed:
                since = _told(listed[row["number"]])
                yield f"D5: {row['number']} was called though listed since {since}"


def _stops(rows: Sequence[Row], books: _Books) -> Iterator[str]:
    stopped: dict[str, float] = {}
    for row in rows:
        match row["kind"]:
            case "stopped":
                stopped[row["campaign"]] = row["at_s"]
            case "starting":
                stopped.pop(row["campaign"], None)
            case "invite" if row["side"] == "customer":
                _, fact = books.intents.get(row["call_id"], (0, {}))
                campaign = fact.get("campaign_id")
                if campaign in stopped:
                    late_s = row["at_s"] - stopped[campaign]
                    yield f"D6: {campaign} called {late_s:.3f} s after Stop was acknowledged"


# --- C: legs and calls ---------------------------------------------------------------------


def _ends(rows: Sequence[Row], books: _Books) -> Iterator[str]:
    finished = any(row["kind"] == "finished" for row in rows)
    lives = _lives(rows)
    for leg_id, leg in books.legs.items():
        if leg.ends > 1:
            yield f"C1: {leg_id} ended {leg.ends} times"
        if leg.ended_s is None and finished:
            yield f"C1: {leg_id} never ended"
        for crashed_s, restarted_s in lives:
            ended_s = float("inf") if leg.ended_s is None else leg.ended_s
            if leg.row["at_s"] <= crashed_s and ended_s > restarted_s + OLD_LEG_S:
                if leg.ended_s is not None or rows[-1]["at_s"] > restarted_s + OLD_LEG_S:
                    yield f"C1: {leg_id} outlived the crash at {_told(crashed_s)} by over 5 s"
                break


def _lives(rows: Sequence[Row]) -> list[tuple[float, float]]:
    crashes = [row["at_s"] for row in rows if row["kind"] == "crash"]
    restarts = [row["at_s"] for row in rows if row["kind"] == "restart"]
    return list(zip(crashes, restarts, strict=False))


@dataclass(slots=True)
class _Hearing:
    """Who hears whom, both ways round."""

    hears: dict[str, tuple[str, ...]] = field(default_factory=dict)
    heard_by: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def listen(self, listener: str, sources: Sequence[str]) -> None:
        """Let a leg hear others, and them only."""
        for source in self.hears.pop(listener, ()):
            self.heard_by[source].discard(listener)
        if sources:
            self.hears[listener] = tuple(sources)
        for source in sources:
            self.heard_by[source].add(listener)

    def partners(self, leg: str) -> set[str]:
        """Return whom a leg hears or is heard by."""
        return {*self.hears.get(leg, ()), *self.heard_by[leg]}


def _mix(rows: Sequence[Row], books: _Books) -> Iterator[str]:
    """Judge who hears whom once all that happens at one instant has happened."""
    hearing = _Hearing()
    touched: set[str] = set()
    at_s = 0.0
    for row in rows:
        if touched and row["at_s"] > at_s:
            yield from _mixed(hearing, touched, books, at_s)
            touched = set()
        at_s = row["at_s"]
        match row["kind"]:
            case "mix":
                for listener, sources in row["rows"].items():
                    hearing.listen(listener, sources)
                    touched |= {listener, *sources}
            case "end":
                hearing.listen(row["leg"], ())
            case "crash":
                hearing = _Hearing()
    yield from _mixed(hearing, touched, books, at_s)


def _mixed(hearing: _Hearing, touched: set[str], books: _Books, at_s: float) -> Iterator[str]:
    for leg in sorted(touched):
        if not _open(books, leg, at_s):
            continue
        side = books.legs[leg].row["side"]
        others = sorted(each for each in hearing.partners(leg) if _open(books, each, at_s))
        opposite = [each for each in others if books.legs[each].row["side"] != side]
        if len(opposite) > 1:
            yield f"C5: at {_told(at_s)} {side} leg {leg} was joined to {', '.join(opposite)}"
        if side == "customer" and len(opposite) < len(others):
            yield f"C5: at {_told(at_s)} customer leg {leg} was joined to another customer"


def _open(books: _Books, leg_id: str, at_s: float) -> bool:
    leg = books.legs.get(leg_id)
    return leg is not None and (leg.ended_s is None or leg.ended_s > at_s)


@dataclass(slots=True)
class _Person:
    """What the witness saw of a person who answered.

    Attributes:
        leg: The leg.
        since_s: When the answer came or, if one was listened for, the greeting was over.
        answered_s: When the answer came.
        deaf: Whether media heard nothing of it.
        heard_s: When somebody or something was heard.
    """

    leg: _Leg
    since_s: float
    answered_s: float
    deaf: bool = False
    heard_s: float = float("inf")


def _silences(
    rows: Sequence[Row], facts: Sequence[Row], books: _Books, world: World
) -> Iterator[str]:
    """Judge how long people were left without a word (C6)."""
    machines = {
        fact["attempt_id"]
        for fact in facts
        if fact["type"] == "CallAnalysed" and not fact["person"]
    }
    crashes = [row["at_s"] for row in rows if row["kind"] == "crash"]
    restarts = [row["at_s"] for row in rows if row["kind"] == "restart"]
    dead = list(zip_longest(crashes, restarts, fillvalue=float("inf")))
    for leg_id, person in _people(rows, books).items():
        _, fact = books.intents.get(person.leg.row["call_id"], (0, {}))
        rules = world.rules.get(fact.get("campaign_id", ""))
        if rules is None or fact.get("attempt_id") in machines:
            continue  # without an intent D1 tells of it; who is taken for a machine is another's
        until_s = person.since_s + rules.unattended_s + SIGNAL_S
        if person.deaf:
            by_watch_s = person.answered_s + rules.analysis_s + LATE_S + rules.unattended_s
            until_s = max(until_s, by_watch_s + SIGNAL_S)
        ended_s = float("inf") if person.leg.ended_s is None else person.leg.ended_s
        until_s = min(until_s, rows[-1]["at_s"])
        disturbed = any(
            crash_s <= until_s and person.answered_s <= restart_s for crash_s, restart_s in dead
        )
        if min(person.heard_s, ended_s) > until_s and not disturbed:
            yield f"C6: {leg_id} answered at {_told(person.answered_s)} and heard nobody in time"


def _people(rows: Sequence[Row], books: _Books) -> dict[str, _Person]:
    """Return the people who answered, by leg, and when each of them first heard something."""
    people: dict[str, _Person] = {}
    for row in rows:
        at_s = row["at_s"]
        match row["kind"]:
            case "answer" if "by" not in row:
                leg = books.legs[row["leg"]]
                if leg.row["side"] == "customer":
                    people[row["leg"]] = _Person(leg, at_s, at_s)
            case "greeting" if row["leg"] in people:
                people[row["leg"]].since_s = row["ends_s"]
            case "deaf" if row["leg"] in people:
                people[row["leg"]].deaf = True
            case "prompt" if row["leg"] in people:
                person = people[row["leg"]]
                person.heard_s = min(person.heard_s, at_s)
            case "mix":
                for listener in people.keys() & row["rows"].keys():
                    if row["rows"][listener]:
                        people[listener].heard_s = min(people[listener].heard_s, at_s)
    return people


# --- A: accounts ---------------------------------------------------------------------------


def _outcomes(rows: Sequence[Row], facts: Sequence[Row], books: _Books) -> Iterator[str]:
    finished = any(row["kind"] == "finished" for row in rows)
    closed: dict[str, Row] = {}
    said: dict[str, list[Row]] = defaultdict(list)
    for fact in facts:
        match fact["type"]:
            case "AttemptClosed":
                if fact["attempt_id"] in closed:
                    yield f"A1: attempt {fact['attempt_id']} has two outcomes"
                closed[fact["attempt_id"]] = fact
            case "DispositionSet":
                said[fact["attempt_id"]].append(fact)
    for attempt in sorted(closed.keys() - books.attempts.keys()):
        # An intent that the journal refused leaves an outcome behind: it was not placed.
        if closed[attempt]["disposition"] != "not-placed":
            yield f"A1: attempt {attempt} has an outcome but no intent"
    if finished:
        for attempt in sorted(books.attempts.keys() - closed.keys()):
            yield f"A1: attempt {attempt} has no outcome"
    yield from _dispositions(rows, closed, said)


def _dispositions(
    rows: Sequence[Row], closed: Mapping[str, Row], said: Mapping[str, Sequence[Row]]
) -> Iterator[str]:
    for row in rows:
        if row["kind"] == "disposed":
            kept = {fact["disposition"] for fact in said.get(row["attempt"], ())}
            if row["disposition"] not in kept:
                yield f"A1: acknowledged {row['disposition']} of {row['attempt']} is lost"
    for attempt, facts in said.items():
        outcome = closed.get(attempt)
        if outcome is not None and outcome["disposition"] != facts[-1]["disposition"]:
            yield (
                f"A1: {attempt} closed as {outcome['disposition']}, "
                f"the agent had said {facts[-1]['disposition']}"
            )


def _unattended(facts: Sequence[Row]) -> Iterator[str]:
    """Judge whether only people were counted (A3)."""
    machines: set[str] = set()
    for fact in facts:
        if fact["type"] == "CallAnalysed" and not fact["person"]:
            machines.add(fact["attempt_id"])
        late = fact["type"] == "CallConnected" and fact.get("late")
        counted = fact["type"] == "AttemptClosed" and fact.get("unattended")
        if (late or counted) and fact["attempt_id"] in machines:
            yield f"A3: {fact['attempt_id']} counts as unattended though a machine answered"


def _budgets(facts: Sequence[Row], world: World) -> Iterator[str]:
    """Judge what pacing believed it might still lose (A3), by formulas of its own.

    A budget is cap x answered - unattended, and persons thought to be cut off are in both where a
    rule counts them. What is at the edges, of a window or of the moment, is counted in its favour.
    """
    counts = _count(facts)
    for fact in facts:
        rules = world.rules.get(fact.get("campaign_id", ""))
        if fact["type"] != "PacingSummed" or rules is None:
            continue
        most = counts[fact["campaign_id"]].budget(rules, fact["at_s"])
        if fact["budget_calls"] > most + 1e-6:
            yield (
                f"A3: {fact['campaign_id']} had {fact['budget_calls']:.2f} calls to lose at "
                f"{_told(fact['at_s'])}, and by the log no more than {most:.2f}"
            )


def _count(facts: Sequence[Row]) -> dict[str, _Counts]:
    """Count by campaign what rules count; agents who reviewed a record are none of pacing."""
    counts: dict[str, _Counts] = defaultdict(_Counts)
    skipped: set[str] = set()
    passed: set[str] = set()
    lost: set[str] = set()
    for fact in facts:
        attempt, at_s = fact.get("attempt_id", ""), fact.get("at_s", 0.0)
        here = counts[fact.get("campaign_id", "")]
        match fact["type"]:
            case "AttemptIntended" if fact.get("by_agent"):
                skipped.add(attempt)
            case "CallAnalysed":
                (passed if fact["person"] else skipped).add(attempt)
            case "CallQueued" if attempt not in skipped:
                here.answered.append(at_s)
                here.passed += [at_s] if attempt in passed else []
            case "CallConnected" | "AttemptClosed" if attempt not in skipped | lost:
                if fact.get("late") or fact.get("unattended"):
                    lost.add(attempt)
                    here.unattended.append(at_s)
    for here in counts.values():
        here.sort()
    return counts


def _told(at_s: float, zone: str = "UTC") -> str:
    return f"{datetime.fromtimestamp(at_s, UTC).astimezone(_zone(zone)):%a %H:%M:%S}"
