"""What pacing remembers between ticks: calls in progress, agents and their phases, laws, budgets.

The caller tells it facts as they happen and asks once a tick. A call or an agent is a slot in flat
columns, so a tick counts them all in a few array operations.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from engine.pacing.budget import Budgets
from engine.pacing.grid import AGES, SPANS, Bools, Floats, Ints, age_bin, count_in_bins, span_bin
from engine.pacing.learner import Learner
from engine.pacing.pace import pace
from engine.pacing.share import Memberships, share_agents, share_weights
from engine.pacing.slots import Slots
from engine.pacing.snapshot import Decision, Mode, Snapshot, make_snapshot

_SERVED_KEEP = 0.999


class Stage(IntEnum):
    """Where a call is, as pacing sees it."""

    GONE = 0
    IN_FLIGHT = 1
    ANALYSING = 2
    QUEUED = 3


class Phase(IntEnum):
    """What an agent does, as pacing sees it."""

    AWAY = 0
    READY = 1
    TALKING = 2
    IN_ACW = 3


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the caller knows of C campaigns and pacing does not; columns as in ``Snapshot``.

    Attributes:
        running: Campaigns that may start calls, shape (C,).
        mode: ``Mode`` of each, shape (C,).
        in_hours: Some records may be called at this hour, shape (C,).
        callable_records: Records that may be dialed now, shape (C,). [records]
        trunk_free: Channels the campaign may take, shape (C,). [calls]
        calls_allowed: Calls allowed by calls-per-second caps now, shape (C,). [calls]
        max_level: Calls in progress per agent free or about to be, shape (C,), at least 1.
        progressive_level: Calls per ready agent in progressive mode, shape (C,), at least 1.
        automatic_limit: Simultaneous calls in automatic mode, shape (C,). [calls]
    """

    running: Bools
    mode: Ints
    in_hours: Bools
    callable_records: Ints
    trunk_free: Ints
    calls_allowed: Ints
    max_level: Floats
    progressive_level: Floats
    automatic_limit: Ints


class Floor:
    """The calls and agents of C campaigns, told fact by fact.

    Attributes:
        learner: What was learned; made durable by its ``to_bytes``.
        budgets: Rule windows; made durable by its ``to_bytes``.
        idle: Ready agents who wait for each campaign as last decided, shape (C,): those promised
            to it, and its part of those whom no campaign can use. [agents]
    """

    def __init__(self, learner: Learner, budgets: Budgets) -> None:
        """Start with no calls and no agents.

        Args:
            learner: Laws of C campaigns.
            budgets: Rule windows of the same C campaigns.
        """
        self.learner, self.budgets = learner, budgets
        self.idle: Floats = np.zeros(learner.campaigns)
        self._calls = Slots({"row": np.int64, "stage": np.int64, "began_s": np.float64,
                              "answered_s": np.float64})  # fmt: skip
        self._agents = Slots({"group": np.int64, "row": np.int64, "phase": np.int64,
                               "since_s": np.float64, "leaving": np.bool_})  # fmt: skip
        self.serve(Memberships(*np.zeros((3, 0), dtype=np.int64)), 0)

    def serve(self, pairs: Memberships, groups: int) -> None:
        """Say which groups of agents serve which campaigns.

        Args:
            pairs: Campaign, group and priority, M pairs.
            groups: How many groups, G.
        """
        self._pairs, self._groups = pairs, groups
        self._served = np.zeros(len(pairs.campaigns))

    def attempt_started(self, row: int, now_s: float) -> int:
        """Note that an INVITE left.

        Args:
            row: Campaign.
            now_s: Engine time. [s]

        Returns:
            The call's slot, named in what follows until ``call_closed``.
        """
        return self._calls.take(row=row, stage=Stage.IN_FLIGHT, began_s=now_s, answered_s=now_s)

    def attempt_answered(self, slot: int, now_s: float) -> None:
        """Note an answer that goes to call progress analysis.

        Args:
            slot: The call.
            now_s: Engine time. [s]
        """
        self._calls["stage"][slot] = Stage.ANALYSING
        self._calls["answered_s"][slot] = now_s

    def agent_asked(self, slot: int, now_s: float) -> None:
        """Note that a call asks for an agent: a person by verdict, or answered without analysis.

        Args:
            slot: The call.
            now_s: Engine time. [s]
        """
        row = int(self._calls["row"][slot])
        if self._calls["stage"][slot] == Stage.ANALYSING:
            self.learner.judged(row, True, now_s - self._calls["answered_s"][slot])
        else:
            self._calls["answered_s"][slot] = now_s
        ring_s = self._calls["answered_s"][slot] - self._calls["began_s"][slot]
        self.learner.attempt_answered(row, float(ring_s))
        self._calls["stage"][slot] = Stage.QUEUED

    def call_closed(self, slot: int, now_s: float) -> None:
        """Note that a call is with an agent, was treated, or ended; its slot is free again.

        Args:
            slot: The call.
            now_s: Engine time. [s]
        """
        row, stage = int(self._calls["row"][slot]), int(self._calls["stage"][slot])
        began_s, answered_s = self._calls["began_s"][slot], self._calls["answered_s"][slot]
        if stage == Stage.IN_FLIGHT:
            self.learner.attempt_ended(row, now_s - began_s)
        elif stage == Stage.ANALYSING:
            self.learner.judged(row, False, now_s - answered_s)
            self.learner.attempt_ended(row, answered_s - began_s)
        self._calls.give_back(slot)

    def agent_joined(self, group: int, now_s: float) -> int:
        """Note a login; the agent is away until ``agent_turned`` says otherwise.

        Args:
            group: Group of agents who serve the same campaigns.
            now_s: Engine time. [s]

        Returns:
            The agent's slot.
        """
        return self._agents.take(
            group=group, row=-1, phase=Phase.AWAY, since_s=now_s, leaving=False
        )

    def agent_turned(self, slot: int, phase: Phase, now_s: float, row: int = -1) -> None:
        """Note that an agent's phase changed; ended talk and ACW are learned from.

        Args:
            slot: The agent.
            phase: The new phase; TALKING followed by no ACW is learned as ACW of 0 s.
            now_s: Engine time. [s]
            row: Campaign of the call, with TALKING.
        """
        was, since_s = self._agents["phase"][slot], self._agents["since_s"][slot]
        if was == phase:  # a hold, or an offer that became a talk: the time goes on
            if row >= 0:
                self._agents["row"][slot] = row
            return
        served = int(self._agents["row"][slot])
        if served >= 0 and was == Phase.TALKING and phase != Phase.TALKING:
            self.learner.talk_ended(served, now_s - since_s)
            if phase == Phase.READY:
                self.learner.acw_ended(served, 0.0)
        if served >= 0 and was == Phase.IN_ACW and phase != Phase.IN_ACW:
            self.learner.acw_ended(served, now_s - since_s)
        self._agents["row"][slot] = row if phase == Phase.TALKING else served
        self._agents["phase"][slot] = phase
        self._agents["since_s"][slot] = now_s

    def agent_leaving(self, slot: int, leaving: bool) -> None:
        """Say whether an agent takes no call after this one (pending Not Ready, logout asked).

        Args:
            slot: The agent.
            leaving: Count the agent no longer, or again.
        """
        self._agents["leaving"][slot] = leaving

    def agent_serves(self, slot: int, group: int) -> None:
        """Move an agent to another group.

        Args:
            slot: The agent.
            group: Its new group.
        """
        self._agents["group"][slot] = group

    def agent_left(self, slot: int) -> None:
        """Note a logout.

        Args:
            slot: The agent.
        """
        self._agents.give_back(slot)

    def decide(self, now_s: float, conditions: Conditions) -> Decision:
        """Say how many calls each campaign may start now; laws and budgets take their tick.

        Args:
            now_s: Engine time. [s]
            conditions: What the caller knows, C campaigns.

        Returns:
            Calls to start with their reasons and figures, C campaigns.
        """
        return pace(now_s, self.snapshot(now_s, conditions), self.learner, self.budgets)

    def snapshot(self, now_s: float, conditions: Conditions) -> Snapshot:
        """Count what is known at this instant.

        Args:
            now_s: Engine time. [s]
            conditions: What the caller knows, C campaigns.

        Returns:
            Columns of C campaigns.
        """
        in_flight, analysing, queued = self._count_calls(now_s)
        seen = make_snapshot(
            self.learner.campaigns,
            **{name: getattr(conditions, name) for name in Conditions.__dataclass_fields__},
            in_flight=in_flight,
            analysing=analysing,
            queued=queued,
        )
        return self._count_agents(seen, now_s)

    def _count_calls(self, now_s: float) -> tuple[Floats, Ints, Ints]:
        rows, stage = self._calls["row"], self._calls["stage"]
        campaigns = self.learner.campaigns
        flying = np.flatnonzero(stage == Stage.IN_FLIGHT)
        ages = age_bin(now_s - self._calls["began_s"][flying])
        in_flight = count_in_bins(rows[flying], ages, None, (campaigns, AGES))
        analysing = np.bincount(rows[stage == Stage.ANALYSING], minlength=campaigns)
        queued = np.bincount(rows[stage == Stage.QUEUED], minlength=campaigns)
        return in_flight, analysing, queued

    def _count_agents(self, seen: Snapshot, now_s: float) -> Snapshot:
        """Divide ready and busy agents over the campaigns they serve."""
        pairs, groups, campaigns = self._pairs, self._groups, self.learner.campaigns
        here = self._agents.used()
        group, phase = self._agents["group"][here], self._agents["phase"][here]
        stays = ~self._agents["leaving"][here]
        ready = np.bincount(group[(phase == Phase.READY) & stays], minlength=groups)
        able = seen.running & seen.in_hours & (seen.mode != Mode.AUTOMATIC)
        asks = seen.queued + seen.analysing + seen.in_flight.sum(axis=1)
        wants = np.where(able, asks + seen.callable_records, asks).astype(np.float64)
        expected = np.where(
            seen.mode == Mode.PROGRESSIVE,
            np.ceil(asks / seen.progressive_level),
            np.ceil(seen.queued + self.learner.laws().answer_p * (asks - seen.queued)),
        )
        need, held = wants[pairs.campaigns], expected[pairs.campaigns]
        promised = share_agents(ready, pairs, need, held, self._served)
        self._served = self._served * _SERVED_KEEP + promised
        spare = ready - np.bincount(pairs.groups, promised, groups)
        nobodys = share_weights(pairs, np.zeros(len(need)), groups) * spare[pairs.groups]
        waiting = np.bincount(pairs.campaigns, promised + nobodys, campaigns)
        self.idle = waiting.astype(np.float64)
        weight = share_weights(pairs, np.where(able, wants, 0.0)[pairs.campaigns], groups)
        spans = span_bin(now_s - self._agents["since_s"][here])
        busy = [
            count_in_bins(group[chosen], spans[chosen], None, (groups, SPANS))
            for chosen in ((phase == Phase.TALKING) & stays, (phase == Phase.IN_ACW) & stays)
        ]
        crew = np.bincount(group, minlength=groups)
        talking, in_acw = (_spread(part, pairs, weight, campaigns) for part in busy)
        return replace(
            seen,
            ready=np.bincount(pairs.campaigns, promised, campaigns).astype(np.int64),
            staffed=np.bincount(pairs.campaigns, crew[pairs.groups], campaigns).astype(np.int64),
            talking=talking,
            in_acw=in_acw,
        )


def _spread(busy: Floats, pairs: Memberships, weight: Floats, campaigns: int) -> Floats:
    """Spread busy agents of groups over campaigns by their shares, shape (C, E)."""
    spread = np.zeros((campaigns, busy.shape[1]))
    np.add.at(spread, pairs.campaigns, busy[pairs.groups] * weight[:, None])
    return spread
