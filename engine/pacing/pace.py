"""One tick: counts fade, prices are set, and all campaigns are decided together."""

import numpy as np

from engine.pacing.budget import Budgets
from engine.pacing.decide import decide
from engine.pacing.grid import Floats
from engine.pacing.laws import Laws
from engine.pacing.learner import Learner
from engine.pacing.snapshot import Decision, Mode, Snapshot

_FEARED = 0.04  # share of asking calls without a reserved agent that are lost, at a cautious guess
_SLACK = 0.7


def pace(now_s: float, seen: Snapshot, learner: Learner, budgets: Budgets) -> Decision:
    """Let laws and budgets take their tick, then decide.

    Args:
        now_s: Engine time. [s]
        seen: What is known at this instant, C campaigns.
        learner: Laws of the same campaigns; it is moved on.
        budgets: Rule windows of the same campaigns; they are moved on.

    Returns:
        Calls to start with their reasons and figures, C campaigns.
    """
    learner.tick(now_s, seen.in_flight, seen.talking, seen.in_acw)
    laws = learner.laws()
    ahead = (seen.mode == Mode.PREDICTIVE) & seen.running & laws.warm
    return decide(seen, laws, budgets.prices(now_s, feared(seen, laws), ahead))


def feared(seen: Snapshot, laws: Laws) -> Floats:
    """Say how many of the calls in progress may yet go unattended, at a cautious guess.

    Calls that have an agent ready for each of them are not feared for.

    Args:
        seen: What is known at this instant, C campaigns.
        laws: What has been learned, C campaigns.

    Returns:
        Calls, shape (C,).
    """
    asking = laws.answer_p * seen.in_flight.sum(axis=1) + laws.pass_p * seen.analysing
    lost = _FEARED * np.maximum(asking + seen.queued - seen.ready, 0.0)
    return np.asarray(np.maximum(lost + 2.0 * np.sqrt(lost) - _SLACK, 0.0))
