"""The best that any rule could do in small cells whose times are all exponential.

A semi-Markov decision process: b agents busy, m attempts in flight. An attempt ends at rate 1/ring,
answered with chance p; an answer without a free agent is lost at once; a busy agent is free at
rate 1/service. After each event any number of attempts may be added. Busy time less a price per
lost call is maximised by policy iteration (Howard 1960); the price is raised until losses meet the
cap, mixing the two policies next to it.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.pacing.draws import Floats, Ints


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with exponential times.

    Attributes:
        agents: Agents, N.
        answer_p: Chance that an attempt is answered.
        ring_s: Mean time to any ending. [s]
        service_s: Mean time an agent is busy with a call. [s]
        most: Most attempts in flight that are looked at.
    """

    agents: int
    answer_p: float
    ring_s: float = 10.0
    service_s: float = 105.0
    most: int = 80

    @property
    def width(self) -> int:
        """How many counts of attempts there are."""
        return self.most + 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy comes to: share of agents' time busy, share of answers lost."""

    busy_share: float
    lost_share: float


def best(cell: Cell, cap: float = 0.03) -> Outcome:
    """Find the highest busy share with losses at the cap.

    Args:
        cell: The cell.
        cap: Highest share of answers lost.

    Returns:
        The optimum.
    """
    low, high = 0.0, 1.0
    while _at_price(cell, high).lost_share > cap:
        low, high = high, high * 4
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_price(cell, middle).lost_share > cap else (low, middle)
    loose, tight = _at_price(cell, low), _at_price(cell, high)
    if loose.lost_share <= cap:
        return loose
    mix = (cap - tight.lost_share) / max(loose.lost_share - tight.lost_share, 1e-12)
    return Outcome(tight.busy_share + mix * (loose.busy_share - tight.busy_share), cap)


def _at_price(cell: Cell, price: float) -> Outcome:
    """Iterate policies at one price per lost call, in units of agents' ring times."""
    policy = np.minimum(cell.agents - np.arange(cell.agents + 1), cell.most)[:, None]
    target = np.maximum(policy, np.arange(cell.width)[None, :])
    for _ in range(60):
        value = _values(cell, price, target)
        better = _improve(value)
        if np.array_equal(better, target):
            break
        target = better
    return _outcome(cell, target)


def _rates(cell: Cell, target: Ints) -> tuple[Floats, Floats, Floats]:
    """Rates between states (b, m) seen just after an event, once the policy has filled up.

    Returns:
        Chances of the next state by uniformisation, busy agents, and losses per step.
    """
    agents, width = cell.agents, cell.width
    size = (agents + 1) * width
    step_s = 1.0 / (agents / cell.service_s + cell.most / cell.ring_s)
    moves = np.zeros((size, size))
    busy = np.repeat(np.arange(agents + 1), width)
    flying = target.ravel()
    here = np.arange(size)
    freed = busy / cell.service_s * step_s
    ended = flying / cell.ring_s * step_s
    answered = ended * cell.answer_p
    fewer = np.maximum(flying - 1, 0)
    np.add.at(moves, (here, np.maximum(busy - 1, 0) * width + flying), freed)
    np.add.at(moves, (here, busy * width + fewer), ended - answered)
    np.add.at(moves, (here, np.minimum(busy + 1, agents) * width + fewer), answered)
    np.add.at(moves, (here, busy * width + flying), 1.0 - freed - ended)
    return moves, busy.astype(np.float64), np.where(busy == agents, answered, 0.0)


def _values(cell: Cell, price: float, target: Ints) -> Floats:
    """Relative values of states with ``m`` attempts actually in flight."""
    filled = np.broadcast_to(np.arange(cell.width), target.shape)
    moves, busy, losses = _rates(cell, filled)
    after = np.zeros((moves.shape[0], moves.shape[0]))
    row = np.repeat(np.arange(cell.agents + 1), cell.width)
    after[np.arange(len(row)), row * cell.width + target.ravel()] = 1.0
    chain = moves @ after
    reward = busy / cell.agents - price * losses / _step(cell) * cell.ring_s / cell.agents
    system = np.eye(len(row)) - chain
    system[:, 0] = 1.0  # the value of the first state is 0; its column carries the gain
    solved = np.linalg.solve(system, reward)
    solved[0] = 0.0
    return np.asarray(solved.reshape(target.shape))


def _step(cell: Cell) -> float:
    return 1.0 / (cell.agents / cell.service_s + cell.most / cell.ring_s)


def _improve(value: Floats) -> Ints:
    """Fill up to the best count at or above the present one."""
    width = value.shape[1]
    best_from = np.empty(value.shape, dtype=np.int64)
    best_from[:, -1] = width - 1
    for count in range(width - 2, -1, -1):
        later = best_from[:, count + 1]
        stays = value[:, count] >= value[np.arange(len(value)), later] - 1e-10
        best_from[:, count] = np.where(stays, count, later)
    return best_from


def _outcome(cell: Cell, target: Ints) -> Outcome:
    moves, busy, losses = _rates(cell, target)
    size = len(moves)
    system = np.vstack([moves.T - np.eye(size), np.ones(size)])
    share = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    answered = target.ravel() / cell.ring_s * _step(cell) * cell.answer_p
    return Outcome(
        float(share @ busy / cell.agents), float(share @ losses / max(share @ answered, 1e-12))
    )
