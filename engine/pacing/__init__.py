"""How many calls every campaign may start now: array arithmetic over all campaigns at once.

The pacer tells a ``Floor`` each fact as it happens and asks it once a tick, and at once when an
agent becomes ready. Campaigns are rows; the pacer keeps the map from ids to rows. Nothing here
reads a clock.

    learner = Learner(campaigns=100)                        # or Learner.from_bytes(stored)
    budgets = Budgets(100, (DAY, ROLLING_30D), cap=0.03)     # or Budgets.from_bytes
    floor = Floor(learner, budgets)
    floor.serve(Memberships(campaigns, groups, priority), groups=3)

    agent = floor.agent_joined(group=0, now_s=now_s)
    floor.agent_turned(agent, Phase.READY, now_s)

    call = floor.attempt_started(row, now_s)                # the INVITE left
    floor.attempt_answered(call, now_s)                     # only if call progress analysis follows
    floor.agent_asked(call, now_s)                          # a person: queued for an agent
    floor.budgets.count(row, now_s, answered=1)             # as the rule counts answers
    floor.call_closed(call, now_s)                          # with an agent, treated, or ended
    floor.agent_turned(agent, Phase.TALKING, now_s, row)
    floor.budgets.count(row, now_s, unattended=1)           # as the rule counts them

    decision = floor.decide(now_s, Conditions(running=..., mode=..., ...))
    decision.calls_to_start[row], Reason(decision.reason[row]), Mode(decision.mode[row])

A calendar window is begun anew by ``budgets.restart(row, window)`` when its boundary passes in the
campaign's zone. Caps may change at any time (``budgets.set_caps``), so may the unattended timeout
(``learner.set_patience``). A row given to a new campaign is cleared by ``learner.clear``, or by
``learner.begin_like`` if another has called the same list, and by ``budgets.clear``; more rows come
by ``grown`` of both. Both are packed by ``to_bytes`` for the store: a restart then paces as before.
"""

from engine.pacing.budget import DAY, ROLLING_24H, ROLLING_30D, Budgets, Prices, Window
from engine.pacing.decide import decide
from engine.pacing.floor import Conditions, Floor, Phase, Stage
from engine.pacing.laws import Laws
from engine.pacing.learner import Learner, Priors
from engine.pacing.pace import pace
from engine.pacing.share import Memberships, share_agents, share_weights
from engine.pacing.snapshot import UNLIMITED, Decision, Mode, Reason, Snapshot, make_snapshot

__all__ = [
    "DAY",
    "ROLLING_24H",
    "ROLLING_30D",
    "UNLIMITED",
    "Budgets",
    "Conditions",
    "Decision",
    "Floor",
    "Laws",
    "Learner",
    "Memberships",
    "Mode",
    "Phase",
    "Prices",
    "Priors",
    "Reason",
    "Snapshot",
    "Stage",
    "Window",
    "decide",
    "make_snapshot",
    "pace",
    "share_agents",
    "share_weights",
]
