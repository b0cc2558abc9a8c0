"""What is known of times and chances: life tables and the tables that the risk is read from.

The free table answers: an agent has been in talk (or ACW) for e seconds; how likely is it free when
a call started now would need it? The asked table answers: an attempt is a seconds old; how likely
has a person answered it by then? Neither supposes exponential times.
"""

from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import (
    AGE_MIDDLES_S,
    POINT_EDGES_S,
    POINTS_S,
    RING_EDGES_S,
    SPAN_EDGES_S,
    SPAN_MIDDLES_S,
    Bools,
    Floats,
    Singles,
    gather_at,
    interpolate,
)

_REACH_S = np.arange(64, dtype=np.float64)  # how far ahead an agent's end is looked for
_AFTER_TALK = gather_at(SPAN_EDGES_S, SPAN_MIDDLES_S[:, None] + _REACH_S[None, :])
_AT_TALK = gather_at(SPAN_EDGES_S, SPAN_MIDDLES_S)
_AT_REACH = gather_at(SPAN_EDGES_S, np.append(_REACH_S, _REACH_S[-1] + 1))
_AT_AGE = gather_at(RING_EDGES_S, AGE_MIDDLES_S)
_AFTER_AGE = gather_at(RING_EDGES_S, AGE_MIDDLES_S[:, None] + POINTS_S[None, :])
_AT_POINT = gather_at(RING_EDGES_S, POINTS_S)
_AT_POINT_EDGE = gather_at(RING_EDGES_S, np.minimum(POINT_EDGES_S, RING_EDGES_S[-1]))
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Laws:
    """What pacing has learned of C campaigns, as the columns the risk is read from.

    Attributes:
        answer_p: Chance that an attempt asks for an agent, shape (C,), in (0, 1).
        answer_p_error: Its standard error, shape (C,).
        pass_p: Chance that an answer under analysis asks for an agent, shape (C,), in (0, 1].
        warm: Enough was seen to dial ahead of agents, shape (C,).
        weights: Share of the answer law near each answer point, shape (C, K), rows sum to 1.
        new_gain: Share of answers that have come by each point, shape (C, K), in [0, 1].
        gain: Share of answers that come within a point's time after an age, shape (C, A, K).
        answer_left: Share of answers that come later than an age, shape (C, A), in [0, 1].
        other_left: Share of other endings that come later than an age, shape (C, A), in [0, 1].
        talk_free: Chance that an agent in talk is free when needed, shape (C, E, K).
        acw_free: Chance that an agent in ACW is free when needed, shape (C, E, K).
    """

    answer_p: Floats
    answer_p_error: Floats
    pass_p: Floats
    warm: Bools
    weights: Floats
    new_gain: Floats
    gain: Singles
    answer_left: Floats
    other_left: Floats
    talk_free: Singles
    acw_free: Singles


def life_table(ended: Floats, running: Floats | None = None) -> Floats:
    """Turn counts of ends into a distribution function, counting what still runs as at risk.

    The product-limit estimate: without it a young campaign has seen short talks only.

    Args:
        ended: Ends per bin, shape (C, B). [counts]
        running: Not ended yet, by the bin they have reached, shape (C, B); None for none. [counts]

    Returns:
        Share ended by each edge, shape (C, B + 1), from 0, rising, at most 1.
    """
    at_risk = np.cumsum(ended[:, ::-1], axis=1)[:, ::-1]
    if running is not None:
        at_risk = at_risk + np.cumsum(running[:, ::-1], axis=1)[:, ::-1] - running / 2
    hazard = np.minimum(ended / np.maximum(at_risk, _TINY), 1.0)
    alive = np.cumprod(1.0 - hazard, axis=1)
    return np.concatenate([np.zeros((len(ended), 1)), 1.0 - alive], axis=1)


def answer_weights(answer_cdf: Floats) -> Floats:
    """Split the answer law over the answer points.

    Args:
        answer_cdf: Share answered by each ring edge, shape (C, RINGS + 1).

    Returns:
        Weights, shape (C, K), rows sum to 1.
    """
    at_edges = interpolate(answer_cdf, *_AT_POINT_EDGE)
    weights = np.maximum(np.diff(at_edges, axis=1), 0.0) + _TINY
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def answered_by_point(answer_cdf: Floats) -> Floats:
    """Say what share of answers has come by each answer point.

    Args:
        answer_cdf: Share answered by each ring edge, shape (C, RINGS + 1).

    Returns:
        Shares, shape (C, K).
    """
    return interpolate(answer_cdf, *_AT_POINT)


def left_after_age(cdf: Floats) -> Floats:
    """Say what share of a law comes later than each age bin.

    Args:
        cdf: Share ended by each ring edge, shape (C, RINGS + 1).

    Returns:
        Shares, shape (C, A), at least a tiny positive number.
    """
    return np.maximum(1.0 - interpolate(cdf, *_AT_AGE), _TINY)


def gain_after_age(answer_cdf: Floats) -> Singles:
    """Say what share of answers comes between an age and each answer point after it.

    Args:
        answer_cdf: Share answered by each ring edge, shape (C, RINGS + 1).

    Returns:
        Shares, shape (C, A, K).
    """
    now = interpolate(answer_cdf, *_AT_AGE)
    later = interpolate(answer_cdf, *_AFTER_AGE)
    return np.maximum(later - now[:, :, None], 0.0).astype(np.float32)


def acw_free_table(acw_cdf: Floats, need_s: Floats) -> Singles:
    """Say how likely an agent in ACW is free by each point.

    Args:
        acw_cdf: Share of ACW ended by each span edge, shape (C, E + 1).
        need_s: When the call needs its agent at each point, shape (C, K). [s]

    Returns:
        Chances, shape (C, E, K).
    """
    return _read_ahead(_ends_ahead(acw_cdf), need_s)


def talk_free_table(talk_cdf: Floats, acw_cdf: Floats, need_s: Floats) -> Singles:
    """Say how likely an agent in talk is free, its ACW over too, by each point.

    Args:
        talk_cdf: Share of talks ended by each span edge, shape (C, E + 1).
        acw_cdf: Share of ACW ended by each span edge, shape (C, E + 1).
        need_s: When the call needs its agent at each point, shape (C, K). [s]

    Returns:
        Chances, shape (C, E, K).
    """
    acw_share = np.diff(interpolate(acw_cdf, *_AT_REACH), axis=1)
    behind = need_s[:, None, :] - 0.5 - _REACH_S[None, :, None]  # ACW left when talk ends at reach
    # Between whole seconds the share is read linearly; before zero there is none.
    padded = np.pad(acw_share, ((0, 0), (1, 1)))
    position = np.clip(behind + 1.0, 0.0, len(_REACH_S))
    lower = position.astype(np.int64)
    rows = np.arange(len(acw_cdf))[:, None, None]
    upper_share = position - lower
    upper = np.minimum(lower + 1, padded.shape[1] - 1)
    mix = padded[rows, lower] * (1 - upper_share) + padded[rows, upper] * upper_share
    free: Singles = np.clip(_ends_ahead(talk_cdf) @ mix, 0.0, 1.0).astype(np.float32)
    return free


def _ends_ahead(cdf: Floats) -> Floats:
    """Chance that a phase that has run for each span ends within each reach, shape (C, E, O)."""
    now = interpolate(cdf, *_AT_TALK)
    later = interpolate(cdf, *_AFTER_TALK)
    left = np.maximum(1.0 - now, _TINY)[:, :, None]
    return np.clip((later - now[:, :, None]) / left, 0.0, 1.0)


def _read_ahead(ends: Floats, need_s: Floats) -> Singles:
    lower, share = gather_at(_REACH_S, need_s)
    rows = np.arange(len(ends))[:, None]
    near, far = ends.transpose(0, 2, 1)[rows, lower], ends.transpose(0, 2, 1)[rows, lower + 1]
    chances = near * (1 - share[:, :, None]) + far * share[:, :, None]
    turned: Singles = np.transpose(chances, (0, 2, 1)).astype(np.float32)
    return turned
