"""What pacing is told of campaigns at one instant, and what it answers, as columns."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from engine.pacing.grid import AGES, SPANS, Bools, Floats, Ints

UNLIMITED = 1 << 30


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
