"""Agents who serve several campaigns, divided so that none is promised twice.

Agents are grouped by the set of campaigns they serve. What is ready in a group goes first to the
highest priority that needs it, and among equals by need, in whole agents; what is busy is divided
in shares.
"""

from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import Floats, Ints


@dataclass(frozen=True, slots=True)
class Memberships:
    """Which campaign is served by which group of agents: M pairs.

    Attributes:
        campaigns: Campaign of each pair, shape (M,).
        groups: Group of each pair, shape (M,).
        priority: Priority of the campaign for this group, shape (M,); higher goes first.
    """

    campaigns: Ints
    groups: Ints
    priority: Ints


def share_agents(
    ready: Ints,
    pairs: Memberships,
    need: Floats,
    held: Floats | None = None,
    served: Floats | None = None,
) -> Ints:
    """Promise each ready agent to one campaign.

    Args:
        ready: Agents ready in each group, shape (G,). [agents]
        pairs: Who serves what, M pairs.
        need: How many agents each pair's campaign could use from this group, shape (M,), at
            least 0; infinite where it could use any number. [agents]
        held: How many of them calls already in progress will need, shape (M,); these come before
            any priority, or an agent promised at one tick would be promised elsewhere at the next.
        served: What each pair has had lately, shape (M,); of equal claims the smaller goes first.

    Returns:
        Agents promised to each pair, shape (M,); their sum over a group is at most what is ready.
    """
    turn = np.zeros(len(need)) if served is None else served
    left = ready.astype(np.int64)
    promised = np.zeros(len(need), dtype=np.int64)
    rounds = [(pairs.priority == level, need) for level in np.unique(pairs.priority)[::-1]]
    if held is not None:
        rounds.insert(0, (held > 0, np.minimum(held, need)))
    for chosen_pairs, wanted in rounds:
        chosen = np.flatnonzero(chosen_pairs & (wanted > promised))
        groups = pairs.groups[chosen]
        given = _divide(left, groups, wanted[chosen] - promised[chosen], turn[chosen])
        promised[chosen] += given
        left = left - np.bincount(groups, given, len(left)).astype(np.int64)
    return promised


def share_weights(pairs: Memberships, need: Floats, groups: int) -> Floats:
    """Divide agents who are busy now: the chance that each will serve a campaign when free.

    Args:
        pairs: Who serves what, M pairs.
        need: How many agents each pair's campaign could use, shape (M,), at least 0. [agents]
        groups: How many groups, G.

    Returns:
        Shares, shape (M,), in [0, 1]; over a group they sum to 1 if anyone needs its agents.
    """
    wanted = np.minimum(need, 1e6) + 1e-6  # a campaign with no need now may have one by then
    # Higher priorities come before lower ones, and both before none.
    order = np.unique(pairs.priority, return_inverse=True)[1]
    scaled = wanted * 10.0 ** (order - order.max(initial=0))
    total = np.bincount(pairs.groups, scaled, groups)
    return np.asarray(scaled / np.maximum(total[pairs.groups], 1e-300))


def _divide(left: Ints, groups: Ints, need: Floats, turn: Floats) -> Ints:
    """Divide whole agents among pairs of equal priority by need, remainders to large claims."""
    groups_count = len(left)
    wanted = np.minimum(need, np.maximum(left[groups], 0))
    total = np.bincount(groups, wanted, groups_count)
    ratio = np.minimum(1.0, left / np.maximum(total, 1e-9))
    claim = wanted * ratio[groups]
    given = np.floor(claim + 1e-9).astype(np.int64)
    goal = np.minimum(left, np.ceil(total - 1e-9)).astype(np.int64)
    spare = goal - np.bincount(groups, given, groups_count).astype(np.int64)
    order = np.lexsort((turn, np.round(given - claim, 6), groups))
    starts = np.searchsorted(groups[order], np.arange(groups_count))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - starts[groups[order]]
    extra = (rank < spare[groups]) & (given < np.ceil(need - 1e-9))
    return np.asarray(given + extra)
