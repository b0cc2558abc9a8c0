"""Counters as a fold of facts: each fact counts once, by its sequence and by its attempt.

What of an instant follows from facts (states of agents, calls by stage, settings) is told here too;
actors add the rest as gauges. The statistics reset clears sums and touches nothing else.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from engine.domain.dispositions import ABANDONED, NOT_PLACED, PREDEFINED, Disposition
from engine.domain.facts import (
    AgentChanged,
    AttemptAnswered,
    AttemptClosed,
    AttemptIntended,
    CallAnalysed,
    CallConnected,
    CallEnded,
    CallQueued,
    CallTreated,
    CampaignStarted,
    CampaignStopped,
    EngineStarted,
    RecordChanged,
    RecordPhase,
    RecordPreviewed,
    RecordsImported,
    ResourceDeleted,
    ResourcePut,
    StatisticsReset,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, ListId
from engine.domain.specs import AgentSpec, CampaignSpec, ListSpec, Spec, TeamSpec
from engine.metrics.agents import LOGGED_OUT, AgentDay
from engine.metrics.calls import OpenCall
from engine.metrics.catalogue import Scope
from engine.metrics.gauges import Row
from engine.metrics.rows import agent_sums, campaign_row, list_row, team_row
from engine.metrics.tallies import Distinct, Tally, Trends
from engine.ports import StoredFact

Pair = tuple[CampaignId, ListId]


class Counters:
    """All counters of an engine.

    Attributes:
        sequence: Of the last fact counted; facts up to it are ignored.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self._last_s = 0.0
        self._specs: dict[str, dict[str, Spec]] = {kind: {} for kind in _SPEC_TYPES}
        self._running: set[CampaignId] = set()
        self._open: dict[AttemptId, OpenCall] = {}
        self._calls: dict[CampaignId, dict[AttemptId, OpenCall]] = {}
        self._campaigns: defaultdict[CampaignId, Tally] = defaultdict(Tally)
        self._lists: defaultdict[Pair, Tally] = defaultdict(Tally)
        self._distinct: defaultdict[Pair, Distinct] = defaultdict(Distinct)
        self._trends: defaultdict[CampaignId, Trends] = defaultdict(Trends)
        self._agents: defaultdict[AgentId, AgentDay] = defaultdict(AgentDay)
        self._imported: dict[ListId, int] = {}
        self._rejected: dict[ListId, int] = {}
        self._qualified: dict[CampaignId, tuple[AgentId, ...]] = {}

    # --- facts in ----------------------------------------------------------------------------

    def apply(self, stored: StoredFact) -> None:
        """Count a fact; one that was counted before changes nothing."""
        if stored.sequence <= self.sequence:
            return
        self.sequence = stored.sequence
        rule = _RULES.get(type(stored.fact))
        if rule is not None:
            rule(self, stored.fact)
        self._last_s = stored.fact.at_s

    def apply_all(self, stored: Iterable[StoredFact]) -> None:
        """Count facts in order."""
        for item in stored:
            self.apply(item)

    # --- values out --------------------------------------------------------------------------

    def objects(self, scope: Scope) -> list[str]:
        """Return ids of what a scope has rows of: ``campaign``, ``campaign/list``, ..., sorted."""
        specs = self._specs["campaign"].values()
        campaigns = [spec for spec in specs if isinstance(spec, CampaignSpec)]
        match scope:
            case Scope.CAMPAIGN:
                return sorted(self._specs["campaign"])
            case Scope.AGENT:
                return sorted(self._specs["agent"].keys() | self._agents.keys())
            case Scope.LIST:
                return sorted(
                    f"{c.campaign_id}/{link.list_id}" for c in campaigns for link in c.lists
                )
            case Scope.TEAM:
                return sorted(f"{c.campaign_id}/{team}" for c in campaigns for team in c.teams)
            case Scope.QUOTA | Scope.SERVICE | Scope.SKILL:
                return []

    def values(self, scope: Scope, object_id: str, now_s: float) -> Row:
        """Return the values of one object by catalogue id; of an unknown one there are few or none.

        Args:
            scope: Campaign, list, agent or team.
            object_id: ``campaign``, ``campaign/list``, ``agent`` or ``campaign/team``.
            now_s: The instant; running spans count up to it. [s since the epoch]
        """
        first, _, second = object_id.partition("/")
        match scope:
            case Scope.CAMPAIGN:
                return self._campaign_values(CampaignId(first), now_s)
            case Scope.LIST:
                return self._list_values(CampaignId(first), ListId(second))
            case Scope.AGENT:
                return self._agent_values(AgentId(first), now_s)
            case Scope.TEAM:
                return self._team_values(CampaignId(first), second, now_s)
            case Scope.QUOTA | Scope.SERVICE | Scope.SKILL:
                return {}

    def completions_per_s(self, campaign_id: CampaignId, now_s: float) -> float:
        """Return the recent rate at which records of a campaign are completed. [records/s]"""
        trends = self._trends.get(campaign_id)
        if trends is None:
            return 0.0
        return trends.completions.total(now_s) / trends.completions.length_s

    def qualified(self, campaign_id: CampaignId) -> tuple[AgentId, ...]:
        """Return the agents who hold a campaign's skill above level zero, sorted."""
        if campaign_id not in self._qualified:
            self._qualified[campaign_id] = tuple(sorted(self._find_qualified(campaign_id)))
        return self._qualified[campaign_id]

    def _campaign_values(self, campaign_id: CampaignId, now_s: float) -> Row:
        return campaign_row(
            tally=self._campaigns.get(campaign_id) or Tally(),
            trends=self._trends.get(campaign_id) or Trends(),
            calls=self._calls.get(campaign_id, {}).values(),
            agents=agent_sums(self._days(self.qualified(campaign_id)), campaign_id, now_s),
            spec=self.campaign_spec(campaign_id),
            running=campaign_id in self._running,
            now_s=now_s,
        )

    def _list_values(self, campaign_id: CampaignId, list_id: ListId) -> Row:
        spec = self._specs["list"].get(list_id)
        return list_row(
            tally=self._lists.get((campaign_id, list_id)) or Tally(),
            name=spec.display_name if isinstance(spec, ListSpec) else "",
            list_id=list_id,
            campaign=self.campaign_spec(campaign_id),
            imported=self._imported.get(list_id, 0),
            rejected=self._rejected.get(list_id, 0),
        )

    def _agent_values(self, agent_id: AgentId, now_s: float) -> Row:
        day = self._agents.get(agent_id) or AgentDay()
        return day.row(now_s) | {"team": self._team_of(agent_id)}

    def _team_values(self, campaign_id: CampaignId, team_id: str, now_s: float) -> Row:
        members = [
            agent for agent in self.qualified(campaign_id) if self._team_of(agent) == team_id
        ]
        spec = self._specs["team"].get(team_id)
        name = spec.display_name if isinstance(spec, TeamSpec) else ""
        return team_row(name or team_id, agent_sums(self._days(members), campaign_id, now_s))

    def campaign_spec(self, campaign_id: CampaignId) -> CampaignSpec | None:
        """Return a campaign's settings, None if there is no such campaign."""
        spec = self._specs["campaign"].get(campaign_id)
        return spec if isinstance(spec, CampaignSpec) else None

    def _days(self, agents: Iterable[AgentId]) -> Iterator[AgentDay]:
        return (self._agents[agent] for agent in agents if agent in self._agents)

    def _team_of(self, agent_id: AgentId) -> str:
        spec = self._specs["agent"].get(agent_id)
        return spec.team_id if isinstance(spec, AgentSpec) else ""

    def _find_qualified(self, campaign_id: CampaignId) -> Iterator[AgentId]:
        spec = self.campaign_spec(campaign_id)
        if spec is None:
            return
        for agent_id in map(AgentId, self._specs["agent"]):
            in_team = self._team_of(agent_id) in spec.teams
            if spec.skills.get(agent_id, 100 if in_team else 0) > 0:
                yield agent_id

    # --- rules -------------------------------------------------------------------------------

    def _engine_started(self, _: EngineStarted) -> None:
        """Agents of a life that broke off were logged in until its last fact, and no longer."""
        for agent_id, day in self._agents.items():
            day.connected_s = None
            if day.logged_in:
                day.change(
                    AgentChanged(
                        at_s=self._last_s, agent_id=agent_id, state=LOGGED_OUT, by="engine"
                    )
                )

    def _resource_put(self, fact: ResourcePut) -> None:
        if fact.kind in self._specs:
            spec = msgspec.msgpack.decode(fact.body, type=_SPEC_TYPES[fact.kind])
            self._specs[fact.kind][fact.id] = spec
            self._qualified.clear()

    def _resource_deleted(self, fact: ResourceDeleted) -> None:
        if fact.kind not in self._specs:
            return
        self._specs[fact.kind].pop(fact.id, None)
        self._qualified.clear()
        match fact.kind:
            case "campaign":
                self._forget_campaign(CampaignId(fact.id))
            case "agent":
                self._agents.pop(AgentId(fact.id), None)
            case "list":
                self._imported.pop(ListId(fact.id), None)
                self._rejected.pop(ListId(fact.id), None)
            case _:
                pass

    def _forget_campaign(self, campaign_id: CampaignId) -> None:
        self._campaigns.pop(campaign_id, None)
        self._trends.pop(campaign_id, None)
        self._running.discard(campaign_id)
        for pair in [pair for pair in self._lists if pair[0] == campaign_id]:
            del self._lists[pair]
        for pair in [pair for pair in self._distinct if pair[0] == campaign_id]:
            del self._distinct[pair]

    def _started(self, fact: CampaignStarted) -> None:
        self._running.add(fact.campaign_id)

    def _stopped(self, fact: CampaignStopped) -> None:
        self._running.discard(fact.campaign_id)

    def _records_imported(self, fact: RecordsImported) -> None:
        self._imported[fact.list_id] = self._imported.get(fact.list_id, 0) + fact.count
        self._rejected[fact.list_id] = self._rejected.get(fact.list_id, 0) + fact.rejected

    def _intended(self, fact: AttemptIntended) -> None:
        call = OpenCall(fact.campaign_id, fact.list_id, fact.row, fact.retry)
        self._open[fact.attempt_id] = call
        self._calls.setdefault(fact.campaign_id, {})[fact.attempt_id] = call
        for tally in self._tallies(call):
            if fact.retry:
                tally.call_retries += 1
            else:
                tally.calls_attempted += 1
        self._once(call, "dialed")
        if not fact.retry:
            self._trend(fact.campaign_id).attempts.add(fact.at_s)

    def _answered(self, fact: AttemptAnswered) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None or call.answered:
            return
        call.answered = True
        for tally in self._tallies(call):
            tally.calls_answered += 1
        call.screening = fact.screened
        if not fact.screened:
            self._live(call, fact.at_s)

    def _analysed(self, fact: CallAnalysed) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None:
            return
        call.screening = False
        if fact.person and self._live(call, fact.at_s):
            self._campaigns[call.campaign_id].calls_passed += 1
            self._trend(call.campaign_id).passed.add(fact.at_s)

    def _call_treated(self, fact: CallTreated) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None:
            return
        call.treated_s = fact.at_s
        if call.treated:
            return
        call.treated = True
        for tally in self._tallies(call):
            tally.calls_ivr += 1

    def _queued(self, fact: CallQueued) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None or call.queued_s is not None:
            return
        self._treatment_over(call, fact.at_s)
        call.queued_s = fact.at_s
        for tally in self._tallies(call):
            tally.calls_queued += 1
        self._once(call, "queued")

    def _connected(self, fact: CallConnected) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None or call.connected:
            return
        call.connected = call.active = True
        for tally in self._tallies(call):
            tally.calls_handled += 1
            tally.answer_time += fact.wait_s
        self._once(call, "handled")
        if fact.late:
            self._unattended(call, fact.at_s)
        day = self._day(fact.agent_id)
        day.handled += 1
        day.connected_s = fact.at_s

    def _ended(self, fact: CallEnded) -> None:
        call = self._open.get(fact.attempt_id)
        if call is None or not call.active:
            return
        call.active = False
        for tally in self._tallies(call):
            tally.talk_time += fact.talk_s
            tally.hold_time += fact.hold_s
        day = self._day(fact.agent_id)
        day.connected_s = None
        day.talk_s += fact.talk_s + fact.hold_s
        day.finished += 1
        if fact.ended_by == "agent":
            day.ended_by_agent += 1
        elif fact.ended_by == "customer":
            day.ended_by_remote += 1

    def _closed(self, fact: AttemptClosed) -> None:
        call = self._open.pop(fact.attempt_id, None)
        if call is None:
            return
        self._calls[call.campaign_id].pop(fact.attempt_id, None)
        if fact.unattended:
            self._unattended(call, fact.at_s)
        self._treatment_over(call, fact.at_s)
        right_party = fact.answered and self._is_right_party(call.campaign_id, fact.disposition)
        for tally in self._tallies(call):
            _close(tally, call, fact, right_party=right_party)
        if right_party:
            self._once(call, "right_party")
        if fact.agent_id and fact.disposition == "offer-rejected":
            self._day(fact.agent_id).rejected += 1
        if fact.agent_id and call.active:
            self._day(fact.agent_id).connected_s = None
        if fact.phase is RecordPhase.DONE:
            self._completed(call, fact.at_s, success=fact.kind == "success")

    def _record_changed(self, fact: RecordChanged) -> None:
        if fact.phase is not RecordPhase.DONE:
            return
        call = OpenCall(fact.campaign_id, fact.list_id, fact.row, retry=False)
        kind = self._kind_of(fact.campaign_id, fact.disposition)
        if kind != "success" and fact.by in _ENGINE:
            self._once(call, "excluded")
        self._completed(call, fact.at_s, success=kind == "success")

    def _previewed(self, fact: RecordPreviewed) -> None:
        tally = self._campaigns[fact.campaign_id]
        tally.preview_items += 1
        tally.preview_time += fact.preview_s
        day = self._day(fact.agent_id)
        day.previewed += 1
        day.preview_s += fact.preview_s
        day.skipped += fact.decision == "skip"
        day.rejected += fact.decision == "reject"

    def _agent_changed(self, fact: AgentChanged) -> None:
        idle_s = self._day(fact.agent_id).change(fact)
        if idle_s is not None and fact.campaign_id:
            tally = self._campaigns[fact.campaign_id]
            tally.idle_time += idle_s
            tally.idle_spans += 1

    def _reset(self, fact: StatisticsReset) -> None:
        self._campaigns.clear()
        self._lists.clear()
        self._distinct.clear()
        self._rejected.clear()
        for day in self._agents.values():
            day.reset(fact.at_s)

    # --- parts of rules ----------------------------------------------------------------------

    def _tallies(self, call: OpenCall) -> tuple[Tally, Tally]:
        pair = (call.campaign_id, call.list_id)
        return (
            self._campaigns[call.campaign_id],
            self._lists[pair],
        )

    def _trend(self, campaign_id: CampaignId) -> Trends:
        return self._trends[campaign_id]

    def _day(self, agent_id: AgentId) -> AgentDay:
        return self._agents[agent_id]

    def _once(self, call: OpenCall, name: str) -> bool:
        """Count a record under a name unless it was since the reset."""
        distinct = self._distinct[call.campaign_id, call.list_id]
        if not getattr(distinct, name).add(call.row):
            return False
        field = "records_rpc" if name == "right_party" else f"records_{name}"
        for tally in self._tallies(call):
            setattr(tally, field, getattr(tally, field) + 1)
        return True

    def _completed(self, call: OpenCall, at_s: float, *, success: bool) -> None:
        if self._once(call, "completed"):
            self._trend(call.campaign_id).completions.add(at_s)
        if success:
            self._once(call, "success")

    def _unattended(self, call: OpenCall, at_s: float) -> None:
        if call.unattended:
            return
        call.unattended = True
        for tally in self._tallies(call):
            tally.calls_unattended += 1
        self._trend(call.campaign_id).unattended.add(at_s)

    def _live(self, call: OpenCall, at_s: float) -> bool:
        """Count an answer by a person unless it was counted."""
        if call.live:
            return False
        call.live = True
        for tally in self._tallies(call):
            tally.calls_live_answered += 1
        self._trend(call.campaign_id).answered.add(at_s)
        return True

    def _treatment_over(self, call: OpenCall, at_s: float) -> None:
        if call.treated_s is None:
            return
        for tally in self._tallies(call):
            tally.ivr_time += at_s - call.treated_s
        call.treated_s = None

    def _is_right_party(self, campaign_id: CampaignId, slug: str) -> bool:
        return any(item.right_party for item in self._dispositions(campaign_id, slug))

    def _kind_of(self, campaign_id: CampaignId, slug: str) -> str:
        return next((item.kind.value for item in self._dispositions(campaign_id, slug)), "")

    def _dispositions(self, campaign_id: CampaignId, slug: str) -> Iterator[Disposition]:
        spec = self.campaign_spec(campaign_id)
        own = [item for item in spec.dispositions if item.slug == slug] if spec else []
        predefined = PREDEFINED.get(slug)
        yield from own or ([predefined] if predefined else [])


def _close(tally: Tally, call: OpenCall, fact: AttemptClosed, *, right_party: bool) -> None:
    tally.dispositions[fact.disposition] += 1
    tally.acw_time += fact.acw_s
    tally.calls_rpc += right_party
    if fact.disposition == NOT_PLACED.slug and not call.retry:
        # It was counted at its intent; the INVITE never left (invariant A5).
        tally.calls_attempted = max(0, tally.calls_attempted - 1)
    if call.screening:
        tally.disp_abandoned_cpa += fact.disposition == ABANDONED.slug
    if call.queued_s is not None and not call.connected:
        if fact.disposition == ABANDONED.slug:
            tally.calls_abandoned += 1
        else:
            tally.calls_dropped += 1


_ENGINE = frozenset({"", "engine"})
_SPEC_TYPES: dict[str, type[Spec]] = {
    "campaign": CampaignSpec,
    "list": ListSpec,
    "agent": AgentSpec,
    "team": TeamSpec,
}
# Each rule takes the one fact type it stands under; a mapping cannot say so in types.
_RULES: dict[type[Any], Callable[[Counters, Any], None]] = {
    EngineStarted: Counters._engine_started,
    ResourcePut: Counters._resource_put,
    ResourceDeleted: Counters._resource_deleted,
    CampaignStarted: Counters._started,
    CampaignStopped: Counters._stopped,
    RecordsImported: Counters._records_imported,
    AttemptIntended: Counters._intended,
    AttemptAnswered: Counters._answered,
    CallAnalysed: Counters._analysed,
    CallTreated: Counters._call_treated,
    CallQueued: Counters._queued,
    CallConnected: Counters._connected,
    CallEnded: Counters._ended,
    AttemptClosed: Counters._closed,
    RecordChanged: Counters._record_changed,
    RecordPreviewed: Counters._previewed,
    AgentChanged: Counters._agent_changed,
    StatisticsReset: Counters._reset,
}
