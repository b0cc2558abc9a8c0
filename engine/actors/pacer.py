"""The actor that paces all campaigns at once: keeps the floor, decides, tells each how many."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import assert_never
from zipfile import BadZipFile

import msgspec
import numpy as np

from engine.actors.kernel.effects import Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMoved,
    CallMoved,
    CallsLaunched,
    CallsLost,
    CampaignGone,
    CampaignMessage,
    CampaignMoved,
    DescribePacing,
    PacerMessage,
    PacingDue,
    PacingView,
    PublishPacing,
    RecallCalls,
    RestoreLaws,
    SavePacing,
    StartCalls,
    SupplySampled,
)
from engine.actors.qualification import level_of
from engine.domain.ids import AgentId, CampaignId
from engine.domain.refusals import UnknownCampaignError
from engine.domain.specs import CampaignSpec
from engine.domain.specs import Mode as SpecMode
from engine.machines.agent import AgentPhase
from engine.pacing import (
    DAY,
    ROLLING_24H,
    ROLLING_30D,
    UNLIMITED,
    Budgets,
    Conditions,
    Decision,
    Floor,
    Learner,
    Memberships,
    Mode,
    Phase,
    Reason,
)

_MODES = {
    SpecMode.PREVIEW: Mode.PREVIEW,
    SpecMode.PROGRESSIVE: Mode.PROGRESSIVE,
    SpecMode.PREDICTIVE: Mode.PREDICTIVE,
    SpecMode.AUTOMATIC: Mode.AUTOMATIC,
}
_PHASES = {
    AgentPhase.READY: Phase.READY,
    AgentPhase.OFFERED: Phase.TALKING,
    AgentPhase.PREVIEWING: Phase.TALKING,
    AgentPhase.DIALING: Phase.TALKING,
    AgentPhase.TALKING: Phase.TALKING,
    AgentPhase.HOLDING: Phase.TALKING,
    AgentPhase.ACW: Phase.IN_ACW,
}
"""Agents' phases as pacing sees them; any other is away."""
_WINDOWS = (DAY, ROLLING_24H, ROLLING_30D)
_FIRST_ROWS = 16
_SAVE_S = 60.0
_IDLE_TICK_S = 10.0
"""Period of decisions while no campaign runs; a start, or an agent who moves, ends it. [s]"""
_AUTOMATIC_CALLS = 10
"""Simultaneous calls of an automatic campaign that sets none (guide: Automatic mode)."""
_ALL = CampaignId("")
"""Laws of all campaigns are kept as one."""


class _Way(Enum):
    """How far a call has come on its way to an agent."""

    DIALED = "dialed"
    SCREENED = "screened"
    QUEUED = "queued"


_Key = tuple[_Way, float]


class _Row:
    """One campaign, as the pacer keeps it beside the floor's columns."""

    __slots__ = (
        "calls",
        "campaign",
        "promised",
        "row",
        "running",
        "spec",
        "supply",
        "tokens",
        "treated",
        "view",
    )

    def __init__(self, row: int, spec: CampaignSpec, campaign: Ref[CampaignMessage]) -> None:
        self.row = row
        self.spec = spec
        self.campaign = campaign
        self.running = False
        self.supply = SupplySampled(spec.campaign_id, 0, 0, trunk_up=False)
        self.promised = 0
        self.tokens = 0.0
        self.calls: dict[_Key, list[int]] = {}
        self.treated = 0
        self.view: PacingView | None = None


def _put(row: _Row, way: _Way, launched_s: float, slot: int) -> None:
    """Keep a slot under how far its call has come, and when that was launched."""
    row.calls.setdefault((way, launched_s), []).append(slot)


def _take(row: _Row, way: _Way, launched_s: float) -> int | None:
    """Return a slot of a launch that has come so far, if there is one."""
    slots = row.calls.get((way, launched_s))
    if slots is None:
        return None
    slot = slots.pop()
    if not slots:
        del row.calls[way, launched_s]
    return slot


class Saved(msgspec.Struct, frozen=True):
    """Learned laws and budgets, whose row each is, and the local day of the daily window.

    Attributes:
        rows: Row of each campaign.
        learner: Laws.
        budgets: Rule windows.
        day: Local day that the daily window counts.
        at_s: When they were saved: what happened later is in the log alone. [s since the epoch]
    """

    rows: dict[str, int]
    learner: bytes
    budgets: bytes
    day: int = -1
    at_s: float = 0.0


def saved_at_s(laws: Mapping[CampaignId, bytes]) -> float | None:
    """Return when laws were saved, None if there are none to go on with. [s since the epoch]"""
    saved = _unpacked(laws.get(_ALL))
    return None if saved is None else saved.at_s


def _false_machines(spec: CampaignSpec) -> list[float]:
    """Return the share of persons that each rule window is to think were taken for machines."""
    counting = {window.value for window in spec.false_machine_windows}
    return [spec.false_machine_ratio if kind.name in counting else 0.0 for kind in _WINDOWS]


def _unpacked(packed: bytes | None) -> Saved | None:
    try:
        return msgspec.msgpack.decode(packed, type=Saved) if packed else None
    except msgspec.MsgspecError:
        return None  # of another version: laws are learned anew, which costs pace and no more


class PacerBehavior:
    """Decides for all campaigns together, each tick and as soon as an agent becomes ready."""

    def __init__(self, tick_s: float, day_of: Callable[[float], int]) -> None:
        """Start with nothing learned.

        Args:
            tick_s: Period of decisions. [s]
            day_of: Local day number of the contact centre at an instant, for the daily window.
        """
        self._tick_s = tick_s
        self._day_of = day_of
        self._day = -1
        self._rows: dict[CampaignId, _Row] = {}
        self._known_rows: dict[str, int] = {}
        self._floor = Floor(Learner(_FIRST_ROWS), Budgets(_FIRST_ROWS, _WINDOWS))
        self._agents: dict[AgentId, tuple[int, AgentMoved]] = {}
        self._groups: dict[tuple[int, ...], int] = {}
        self._ticked_s = 0.0
        self._saved_s = 0.0
        self._urgent = False
        self._recalling = False

    def on(self, message: PacerMessage, now_s: float) -> Sequence[Effect]:  # noqa: C901 - one case each
        """Answer one message."""
        match message:
            case PacingDue():
                return self._tick(now_s)
            case CallsLaunched():
                self._launched(message)
                return ()
            case CallMoved():
                self._call_moved(message, now_s)
                return ()
            case CallsLost(campaign_id):
                self._calls_lost(campaign_id, now_s)
                return ()
            case AgentMoved():
                return self._agent_moved(message, now_s)
            case SupplySampled(campaign_id):
                if campaign_id in self._rows:
                    self._rows[campaign_id].supply = message
                return ()
            case CampaignMoved():
                return self._campaign_moved(message)
            case CampaignGone(campaign_id):
                return self._campaign_gone(campaign_id)
            case RestoreLaws(laws, recalling):
                self._restore(laws.get(_ALL))
                self._saved_s, self._recalling = now_s, recalling
                return [StartTimer("tick", self._tick_s, PacingDue())]
            case RecallCalls():
                self._recall(message, now_s)
                return ()
            case DescribePacing(campaign_id, reply_to):
                row = self._rows.get(campaign_id)
                if row is None or row.view is None:
                    error = UnknownCampaignError(f"campaigns/{campaign_id} has not been paced yet")
                    return [Refuse(reply_to, error)]
                return [Reply(reply_to, row.view)]
            case _:
                assert_never(message)

    # --- campaigns -------------------------------------------------------------------------

    def _campaign_moved(self, message: CampaignMoved) -> Sequence[Effect]:
        spec = message.spec
        row = self._rows.get(spec.campaign_id)
        if row is None:
            row = _Row(self._place(spec.campaign_id), spec, message.campaign)
            self._rows[spec.campaign_id] = row
        row.spec, row.campaign, row.running = spec, message.campaign, message.running
        if not message.running:
            row.promised = 0
        self._floor.budgets.set_caps(row.row, [spec.max_unattended_ratio] * len(_WINDOWS))
        self._floor.budgets.set_false_machines(row.row, _false_machines(spec))
        self._floor.learner.set_patience(row.row, spec.unattended_timeout_s)
        self._regroup()
        return self._hurry()

    def _place(self, campaign_id: CampaignId) -> int:
        """Return the row of a campaign: its old one, or a free one, making room if need be."""
        known = self._known_rows.get(campaign_id)
        if known is not None:
            return known
        taken = set(self._known_rows.values())
        free = next(row for row in range(len(taken) + 1) if row not in taken)
        if free >= self._floor.learner.campaigns:
            more = 2 * self._floor.learner.campaigns
            self._floor.learner = self._floor.learner.grown(more)
            self._floor.budgets = self._floor.budgets.grown(more)
        self._known_rows[campaign_id] = free
        return free

    def _campaign_gone(self, campaign_id: CampaignId) -> Sequence[Effect]:
        row = self._rows.pop(campaign_id, None)
        if row is not None:
            del self._known_rows[campaign_id]
            self._floor.learner.clear(np.array([row.row]))
            self._floor.budgets.clear(row.row)
            self._regroup()
        return ()

    # --- calls -----------------------------------------------------------------------------

    def _launched(self, message: CallsLaunched) -> None:
        row = self._rows.get(message.campaign_id)
        if row is None:
            return
        row.promised = max(row.promised - message.asked, 0)
        for _ in range(message.launched):
            slot = self._floor.attempt_started(row.row, message.launched_s)
            _put(row, _Way.DIALED, message.launched_s, slot)

    def _call_moved(self, message: CallMoved, now_s: float) -> None:
        """Follow a call by its launch: of those launched at one instant any will do."""
        row = self._rows.get(message.campaign_id)
        if row is None:
            return
        came = _Way.SCREENED if message.screened else _Way.DIALED
        match message.stage:
            case "screening":
                slot = _take(row, _Way.DIALED, message.launched_s)
                if slot is not None:
                    self._floor.attempt_answered(slot, now_s)
                    _put(row, _Way.SCREENED, message.launched_s, slot)
            case "answered":
                if message.person:
                    passed = int(message.screened)
                    self._floor.budgets.count(row.row, now_s, answered=1, passed=passed)
                slot = _take(row, came, message.launched_s)
                if slot is not None:
                    self._floor.agent_asked(slot, now_s)
                    _put(row, _Way.QUEUED, message.launched_s, slot)
            case "unattended":
                self._floor.budgets.count(row.row, now_s, unattended=1)
                self._close(row, _Way.QUEUED, message.launched_s, now_s)
            case "connected" | "abandoned" | "dropped":
                self._close(row, _Way.QUEUED, message.launched_s, now_s)
            case "treated":
                row.treated += 1
                self._close(row, came, message.launched_s, now_s)
            case "over":
                row.treated = max(row.treated - 1, 0)
            case "ended":
                self._close(row, came, message.launched_s, now_s)
            case _:
                raise ValueError(f"a call cannot be {message.stage!r}")

    def _calls_lost(self, campaign_id: CampaignId, now_s: float) -> None:
        """Forget the calls of a campaign that failed; it ends them all."""
        row = self._rows.get(campaign_id)
        if row is None:
            return
        for slots in row.calls.values():
            for slot in slots:
                self._floor.call_closed(slot, now_s)
        row.calls.clear()
        row.treated = 0
        row.promised = 0

    def _close(self, row: _Row, way: _Way, launched_s: float, now_s: float) -> None:
        slot = _take(row, way, launched_s)
        if slot is not None:
            self._floor.call_closed(slot, now_s)

    # --- agents ----------------------------------------------------------------------------

    def _agent_moved(self, message: AgentMoved, now_s: float) -> Sequence[Effect]:
        known = self._agents.get(message.agent_id)
        if message.phase is AgentPhase.LOGGED_OUT:
            if known is not None:
                self._floor.agent_left(known[0])
                del self._agents[message.agent_id]
            return ()
        group = self._group_of(message)
        slot = known[0] if known else self._floor.agent_joined(group, now_s)
        if known and known[1].team_id != message.team_id:
            self._floor.agent_serves(slot, group)
        self._agents[message.agent_id] = (slot, message)
        phase = _PHASES.get(message.phase, Phase.AWAY)
        before = _PHASES.get(known[1].phase, Phase.AWAY) if known else Phase.AWAY
        if phase is not before or known is None:
            row = self._rows.get(message.campaign_id) if message.campaign_id else None
            self._floor.agent_turned(slot, phase, now_s, row.row if row else -1)
        self._floor.agent_leaving(slot, message.leaving)
        return self._hurry() if phase is Phase.READY or not self._at_work() else ()

    def _group_of(self, message: AgentMoved) -> int:
        """Return the group of agents who serve the same campaigns as this one."""
        served = (
            row.row
            for row in self._rows.values()
            if level_of(row.spec, message.agent_id, message.team_id) > 0
        )
        key = tuple(sorted(served))
        if key not in self._groups:
            self._groups[key] = len(self._groups)
            self._serve()
        return self._groups[key]

    def _regroup(self) -> None:
        """Group all agents anew, after campaigns or their teams changed."""
        self._groups.clear()
        for slot, message in self._agents.values():
            self._floor.agent_serves(slot, self._group_of(message))
        self._serve()

    def _serve(self) -> None:
        priority = {row.row: row.spec.priority for row in self._rows.values()}
        pairs = [(row, group, priority[row]) for key, group in self._groups.items() for row in key]
        columns = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
        self._floor.serve(Memberships(*columns), max(len(self._groups), 1))

    # --- decisions -------------------------------------------------------------------------

    def _hurry(self) -> Sequence[Effect]:
        """Decide at once, after what else has happened at this instant."""
        if self._urgent:
            return ()
        self._urgent = True
        return [StartTimer("tick", 0.0, PacingDue())]

    def _tick(self, now_s: float) -> Sequence[Effect]:
        self._urgent = False
        period_s = self._tick_s if self._at_work() else _IDLE_TICK_S
        effects: list[Effect] = [StartTimer("tick", period_s, PacingDue())]
        self._new_day(now_s)
        if self._rows:
            decision = self._floor.decide(now_s, self._conditions(now_s))
            for row in self._rows.values():
                effects += self._tell(row, decision, now_s)
        self._ticked_s = now_s
        if now_s - self._saved_s >= _SAVE_S and (laws := self.laws(now_s)):
            self._saved_s = now_s
            effects.append(Do(SavePacing(laws)))
        return effects

    def _at_work(self) -> bool:
        """Say whether there is anything to pace: nights without a call cost nothing."""
        return any(row.running or row.calls for row in self._rows.values())

    def _new_day(self, now_s: float) -> None:
        day = self._day_of(now_s)
        if self._day not in (-1, day):
            self._floor.budgets.restart(np.arange(self._floor.learner.campaigns), 0)
        self._day = day

    def _conditions(self, now_s: float) -> Conditions:
        """Return what the floor does not know; calls promised and not yet launched are in it."""
        count = self._floor.learner.campaigns
        ints = {
            name: np.zeros(count, dtype=np.int64)
            for name in ("mode", "records", "trunk", "allowed", "automatic")
        }
        running, hours = np.zeros((2, count), dtype=np.bool_)
        most, progressive = np.ones((2, count))
        for row in self._rows.values():
            at, spec, supply = row.row, row.spec, row.supply
            # While calls asked for are on their way, the next decision waits for them.
            running[at] = row.running and not row.promised
            hours[at] = supply.callable_records > 0
            ints["mode"][at] = _MODES[spec.mode]
            ints["records"][at] = supply.callable_records
            ints["trunk"][at] = min(supply.trunk_free, self._room(row)) if supply.trunk_up else 0
            ints["allowed"][at] = self._allowed(row, now_s)
            ints["automatic"][at] = max((spec.max_calls or _AUTOMATIC_CALLS) - row.treated, 0)
            most[at] = max(spec.max_level, 1.0)
            progressive[at] = max(spec.progressive_rate, 1.0)
        return Conditions(
            running=running,
            mode=ints["mode"],
            in_hours=hours,
            callable_records=ints["records"],
            trunk_free=ints["trunk"],
            calls_allowed=ints["allowed"],
            max_level=most,
            progressive_level=progressive,
            automatic_limit=ints["automatic"],
        )

    @staticmethod
    def _room(row: _Row) -> int:
        """Return how many attempts more the campaign's own limit allows. [calls]"""
        if not row.spec.max_calls:
            return UNLIMITED
        return max(row.spec.max_calls - sum(map(len, row.calls.values())) - row.treated, 0)

    def _allowed(self, row: _Row, now_s: float) -> int:
        """Return how many calls the campaign's calls-per-second limit allows now. [calls]"""
        per_s = row.spec.max_calls_per_s
        if not per_s:
            return UNLIMITED
        most = max(per_s * self._tick_s, 1.0)
        row.tokens = min(row.tokens + per_s * max(now_s - self._ticked_s, 0.0), most)
        return int(row.tokens)

    def _tell(self, row: _Row, decision: Decision, now_s: float) -> list[Effect]:
        count = int(decision.calls_to_start[row.row]) if not row.promised else 0
        reason = Reason(int(decision.reason[row.row])).name.lower().replace("_", "-")
        if row.promised and row.running:
            reason = "starting"
        row.view = PacingView(
            at_s=now_s,
            effective_mode=Mode(int(decision.mode[row.row])).name.lower(),
            ready=float(decision.ready[row.row]),
            idle=float(self._floor.idle[row.row]),
            freeing=float(decision.freeing[row.row]),
            asking=float(decision.asking[row.row]),
            in_flight=sum(map(len, row.calls.values())),
            started=count,
            answer_ratio=float(decision.answer_p[row.row]),
            answer_ratio_error=float(decision.answer_p_error[row.row]),
            tau=float(decision.tau[row.row]),
            budget=float(decision.budget[row.row]),
            level=float(decision.level[row.row]),
            reason=reason,
        )
        effects: list[Effect] = [Do(PublishPacing(row.spec.campaign_id, row.view))]
        if count > 0:
            row.promised += count
            row.tokens -= count
            effects.append(Tell(row.campaign, StartCalls(count)))
        return effects

    # --- what was learned ------------------------------------------------------------------

    def laws(self, now_s: float) -> Mapping[CampaignId, bytes]:
        """Return what is to be kept for the next life; nothing while it would lose what is kept.

        Args:
            now_s: Engine time. [s]
        """
        if not self._known_rows or self._recalling:
            return {}
        self._new_day(now_s)
        saved = Saved(
            dict(self._known_rows),
            self._floor.learner.to_bytes(),
            self._floor.budgets.to_bytes(),
            self._day,
            now_s,
        )
        return {_ALL: msgspec.msgpack.encode(saved)}

    def _restore(self, packed: bytes | None) -> None:
        saved = _unpacked(packed)
        if saved is None:
            return
        try:
            learner = Learner.from_bytes(saved.learner)
            budgets = Budgets.from_bytes(saved.budgets, _WINDOWS)
        except (ValueError, KeyError, OSError, BadZipFile):
            return  # of another version, as above
        self._known_rows = dict(saved.rows)
        self._day = saved.day
        self._floor.learner, self._floor.budgets = learner, budgets

    def _recall(self, message: RecallCalls, now_s: float) -> None:
        """Count what the log has and the saved budgets have not."""
        self._new_day(now_s)
        self._recalling = not message.done
        for call in message.calls:
            row = self._known_rows.get(call.campaign_id)
            if row is not None:
                self._floor.budgets.recall(
                    row,
                    call.at_s,
                    unattended=call.unattended,
                    today=self._day_of(call.at_s) == self._day,
                    passed=call.passed,
                )
