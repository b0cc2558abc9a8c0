"""How many calls each campaign may start now, and what keeps it from starting more."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from engine.pacing.budget import Prices
from engine.pacing.grid import AGES, SPANS, Bools, Floats, Ints
from engine.pacing.laws import Laws
from engine.pacing.risk import (
    EXACT_QUEUED,
    EXACT_READY,
    EXACT_VARIANCE,
    Sums,
    Trials,
    largest_by_series,
    largest_exactly,
    risk_of_next,
    spare_distribution,
    sum_trials,
    with_new,
)

UNLIMITED = 1 << 30
_CHUNK = 256  # rows at a time, so that exact sums stay in the processor's cache
_DOUBT = 0.1  # more than the series can be wrong where sums are small


class Mode(IntEnum):
    """How a campaign starts calls."""

    PREVIEW = 0
    PROGRESSIVE = 1
    PREDICTIVE = 2
    AUTOMATIC = 3


class Reason(IntEnum):
    """What keeps a campaign from starting more calls than it does."""

    NOT_RUNNING = 0
    MODE = 1
    NO_AGENT = 2
    HOURS = 3
    SUPPLY = 4
    TRUNK = 5
    CALLS_PER_S = 6
    LEVEL = 7
    AGENTS = 8
    WARMING_UP = 9
    BUDGET = 10
    RISK = 11


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What pacing sees of C campaigns at one instant.

    Attributes:
        running: Campaigns that may start calls, shape (C,).
        mode: ``Mode`` of each campaign, shape (C,).
        in_hours: Some of its records may be called at this hour, shape (C,).
        staffed: Agents logged in for the campaign in whatever state, shape (C,). [agents]
        ready: Agents waiting for a call and promised to this campaign alone, shape (C,). [agents]
        talking: Agents in talk by time spent, shape (C, E); shared ones by their share. [agents]
        in_acw: Agents in after-call work by time spent, shape (C, E); likewise. [agents]
        in_flight: Attempts not yet answered nor ended, by age, shape (C, A). [calls]
        analysing: Answered and under call progress analysis, shape (C,). [calls]
        queued: Live calls waiting for an agent, shape (C,). [calls]
        trunk_free: Channels the campaign may take, shape (C,). [calls]
        callable_records: Records that may be dialed now, shape (C,). [records]
        calls_allowed: Calls that calls-per-second caps allow at this instant, shape (C,). [calls]
        max_level: Calls in progress allowed per agent free or about to be, shape (C,), at least 1.
        progressive_level: Calls per ready agent in progressive mode, shape (C,), at least 1.
        automatic_limit: Simultaneous calls in automatic mode, shape (C,). [calls]
    """

    running: Bools
    mode: Ints
    in_hours: Bools
    staffed: Ints
    ready: Ints
    talking: Floats
    in_acw: Floats
    in_flight: Floats
    analysing: Ints
    queued: Ints
    trunk_free: Ints
    callable_records: Ints
    calls_allowed: Ints
    max_level: Floats
    progressive_level: Floats
    automatic_limit: Ints


@dataclass(frozen=True, slots=True)
class Decision:
    """What each of C campaigns may start now, why not more, and from what figures.

    Attributes:
        calls_to_start: Attempts to start now, shape (C,). [calls]
        reason: ``Reason`` that more are not started, shape (C,).
        mode: ``Mode`` in force; predictive campaigns dial progressively at times, shape (C,).
        ready: Agents ready, shape (C,). [agents]
        freeing: Agents expected free when a call started now is answered, shape (C,). [agents]
        asking: Calls in flight expected to ask for an agent by then, shape (C,). [calls]
        answer_p: Chance that an attempt asks for an agent, shape (C,).
        answer_p_error: Its standard error, shape (C,).
        tau: Risk a call may carry, shape (C,), in [0, 1].
        budget: Unattended calls that the tightest rule still allows, shape (C,). [calls]
        level: Calls in progress per agent free or about to be, new ones included, shape (C,).
    """

    calls_to_start: Ints
    reason: Ints
    mode: Ints
    ready: Ints
    freeing: Floats
    asking: Floats
    answer_p: Floats
    answer_p_error: Floats
    tau: Floats
    budget: Floats
    level: Floats


def make_snapshot(campaigns: int, **columns: Bools | Ints | Floats | float) -> Snapshot:
    """Build a snapshot in which whatever is not given is empty or unlimited.

    Args:
        campaigns: How many campaigns, C.
        **columns: Columns of ``Snapshot`` by name; a scalar stands for every campaign.

    Returns:
        A snapshot of running predictive campaigns.
    """
    values: dict[str, Bools | Ints | Floats | float] = {
        "running": True, "mode": int(Mode.PREDICTIVE), "in_hours": True, "staffed": 1, "ready": 0,
        "talking": 0.0, "in_acw": 0.0, "in_flight": 0.0, "analysing": 0, "queued": 0,
        "trunk_free": UNLIMITED, "callable_records": UNLIMITED, "calls_allowed": UNLIMITED,
        "max_level": float(UNLIMITED), "progressive_level": 1.0, "automatic_limit": 10,
    }  # fmt: skip
    unknown = set(columns) - set(values)
    if unknown:
        raise TypeError(f"no such columns: {sorted(unknown)}")
    values |= columns
    widths = {"talking": SPANS, "in_acw": SPANS, "in_flight": AGES}
    shapes = {
        name: (campaigns, widths[name]) if name in widths else (campaigns,) for name in values
    }
    full = {name: np.broadcast_to(value, shapes[name]) for name, value in values.items()}
    return Snapshot(**full)


def decide(snapshot: Snapshot, laws: Laws, prices: Prices) -> Decision:
    """Decide for all campaigns how many calls to start now.

    Args:
        snapshot: What is known at this instant, C campaigns.
        laws: What has been learned, C campaigns.
        prices: Budget and risk allowed, C campaigns.

    Returns:
        Calls to start with their reasons and figures, C campaigns.
    """
    counted = np.isin(snapshot.mode, (Mode.PROGRESSIVE, Mode.PREDICTIVE)) & snapshot.running
    rows = np.flatnonzero(counted)
    outlook = _look_ahead(snapshot, laws, rows)
    free_soon, asking = np.zeros((2, len(snapshot.mode)))
    free_soon[rows] = (outlook.weights * outlook.freed.mean).sum(axis=1)
    asking[rows] = (outlook.weights * outlook.asked.mean).sum(axis=1)
    ahead = (snapshot.mode == Mode.PREDICTIVE) & laws.warm & ~prices.spent
    in_progress = _in_progress(snapshot)
    room, reason = _room(snapshot, in_progress, free_soon)
    paced, pace_reason = _paced(snapshot, laws, prices, ahead, in_progress)
    chosen = np.flatnonzero(ahead[rows] & (room[rows] > 0))
    if len(chosen):
        picked = rows[chosen]
        outlook = outlook.take(chosen) if len(chosen) < len(rows) else outlook
        paced[picked] = _most_under(outlook, snapshot, prices.tau[picked], room[picked], picked)
    calls = np.clip(np.minimum(paced, room), 0, None)
    why = np.where(paced < room, pace_reason, reason)
    mode_now = np.where(
        (snapshot.mode == Mode.PREDICTIVE) & ~ahead, int(Mode.PROGRESSIVE), snapshot.mode
    )
    base = np.maximum(snapshot.ready + free_soon, 1.0)
    return Decision(
        calls_to_start=calls,
        reason=why,
        mode=mode_now,
        ready=snapshot.ready,
        freeing=free_soon,
        asking=asking,
        answer_p=laws.answer_p,
        answer_p_error=laws.answer_p_error,
        tau=prices.tau,
        budget=prices.budget,
        level=(in_progress + calls) / base,
    )


@dataclass(frozen=True, slots=True)
class _Outlook:
    """Agents freed and calls asked at each answer point, for some rows."""

    freed_trials: Trials
    asked_trials: Trials
    freed: Sums
    asked: Sums
    new_chance: Floats
    weights: Floats

    def take(self, chosen: Bools | Ints) -> "_Outlook":
        return _Outlook(
            self.freed_trials.take(chosen),
            self.asked_trials.take(chosen),
            self.freed.take(chosen),
            self.asked.take(chosen),
            self.new_chance[chosen],
            self.weights[chosen],
        )


def _look_ahead(snapshot: Snapshot, laws: Laws, rows: Ints) -> _Outlook:
    """Work out who will be free and who will ask, for the rows that pace by agents."""
    every = len(rows) == len(snapshot.mode)
    pick = slice(None) if every else rows
    busy = np.concatenate([snapshot.talking[pick], snapshot.in_acw[pick]], axis=1)
    heads = np.ceil(busy - 1e-9)
    share = np.divide(busy, heads, out=np.zeros_like(busy), where=heads > 0)
    free = np.concatenate([laws.talk_free[pick], laws.acw_free[pick]], axis=1)
    if (share[heads > 0] < 1.0).any():
        free = free * share[:, :, None].astype(np.float32)
    freed_trials = Trials(heads, free)
    p = laws.answer_p[pick][:, None]
    left = laws.answer_left[pick]
    alive = p * left + (1 - p) * laws.other_left[pick]
    chance = laws.gain[pick] * (p / alive).astype(np.float32)[:, :, None]
    judged = np.broadcast_to(laws.pass_p[pick][:, None, None], (len(rows), 1, chance.shape[2]))
    asked_trials = Trials(
        np.concatenate([snapshot.in_flight[pick], snapshot.analysing[pick][:, None]], axis=1),
        np.concatenate([chance, judged.astype(np.float32)], axis=1),
    )
    return _Outlook(
        freed_trials, asked_trials, sum_trials(freed_trials), sum_trials(asked_trials),
        laws.new_gain[pick] * p, laws.weights[pick],
    )  # fmt: skip


def _in_progress(snapshot: Snapshot) -> Ints:
    in_flight = snapshot.in_flight.sum(axis=1).astype(np.int64)
    return np.asarray(in_flight + snapshot.analysing + snapshot.queued, dtype=np.int64)


def _room(snapshot: Snapshot, in_progress: Ints, free_soon: Floats) -> tuple[Ints, Ints]:
    """Find the tightest outer limit and its name, whatever the law of pacing says."""
    agents = np.maximum(snapshot.ready + free_soon, 1.0)
    level = np.floor(np.minimum(snapshot.max_level * agents, UNLIMITED)) - in_progress
    has_agents = snapshot.mode != Mode.AUTOMATIC
    limits = (
        (Reason.NOT_RUNNING, np.where(snapshot.running, UNLIMITED, 0)),
        (Reason.MODE, np.where(snapshot.mode == Mode.PREVIEW, 0, UNLIMITED)),
        (Reason.NO_AGENT, np.where(has_agents & (snapshot.staffed == 0), 0, UNLIMITED)),
        (Reason.HOURS, np.where(snapshot.in_hours, UNLIMITED, 0)),
        (Reason.SUPPLY, snapshot.callable_records),
        (Reason.TRUNK, snapshot.trunk_free),
        (Reason.CALLS_PER_S, snapshot.calls_allowed),
        (Reason.LEVEL, np.where(has_agents, np.maximum(level, 0), UNLIMITED)),
    )
    table = np.stack([column for _, column in limits]).astype(np.int64)
    tightest = table.argmin(axis=0)  # the first of equals: outer causes are named before inner
    names = np.array([int(name) for name, _ in limits])
    return np.maximum(table.min(axis=0), 0), names[tightest]


def _paced(
    snapshot: Snapshot, laws: Laws, prices: Prices, ahead: Bools, in_progress: Ints
) -> tuple[Ints, Ints]:
    """Count calls by the rules that need no forecast, and name what holds them back."""
    predictive = snapshot.mode == Mode.PREDICTIVE
    # A predictive campaign without budget reserves an agent for every call.
    level = np.where(predictive, 1.0, snapshot.progressive_level)
    calls = np.floor(snapshot.ready * level).astype(np.int64) - in_progress
    calls = np.where(
        snapshot.mode == Mode.AUTOMATIC, snapshot.automatic_limit - in_progress, calls
    ).astype(np.int64)
    held = np.where(prices.spent, int(Reason.BUDGET), int(Reason.AGENTS))
    held = np.where(laws.warm, held, int(Reason.WARMING_UP))
    reason = np.where(predictive, np.where(ahead, int(Reason.RISK), held), int(Reason.AGENTS))
    reason = np.where(snapshot.mode == Mode.AUTOMATIC, int(Reason.LEVEL), reason)
    return calls, reason


def _most_under(outlook: _Outlook, snapshot: Snapshot, tau: Floats, room: Ints, rows: Ints) -> Ints:
    """Find the most calls whose last one stays under the risk: by series, then exactly if small."""
    freed, asked = outlook.freed, outlook.asked
    base = Sums(
        freed.mean - asked.mean,
        freed.variance + asked.variance,
        freed.third - asked.third,
        freed.fourth + asked.fourth,
    )
    spare = snapshot.ready[rows] - snapshot.queued[rows]
    found = largest_by_series(
        spare.astype(np.float64), base, outlook.new_chance, outlook.weights, tau, room
    )
    small = _worth_exactness(outlook, base, spare, found, tau)
    for start in range(0, len(small), _CHUNK):
        part = small[start : start + _CHUNK]
        few = outlook.take(part)
        cells = spare_distribution(spare[part], few.freed_trials, few.asked_trials)
        found[part] = largest_exactly(cells, few.new_chance, few.weights, tau[part], room[part])
    return found


def _worth_exactness(outlook: _Outlook, base: Sums, spare: Ints, found: Ints, tau: Floats) -> Ints:
    """Find the rows whose sums are so small that the series may mislead, and matter."""
    spread = with_new(base, found.astype(np.float64), outlook.new_chance).variance
    small = (spread * outlook.weights).sum(axis=1) <= EXACT_VARIANCE
    small &= (spare <= EXACT_READY) & (spare >= -EXACT_QUEUED)
    none = np.zeros(len(spare))
    first = risk_of_next(spare.astype(np.float64), base, none, outlook.new_chance, outlook.weights)
    return np.flatnonzero(small & (first <= tau + _DOUBT))
