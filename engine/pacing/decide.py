"""How many calls each campaign may start now, and what keeps it from starting more."""

import numpy as np

from engine.pacing.budget import Prices
from engine.pacing.grid import Bools, Floats, Ints
from engine.pacing.laws import Laws
from engine.pacing.outlook import look_ahead, most_under
from engine.pacing.snapshot import UNLIMITED, Decision, Mode, Reason, Snapshot


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
    outlook = look_ahead(snapshot, laws, rows)
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
        spare = (snapshot.ready - snapshot.queued)[picked]
        paced[picked] = most_under(outlook, spare, prices.tau[picked], room[picked])
    paced = np.maximum(paced, 0)
    calls = np.minimum(paced, room)
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
