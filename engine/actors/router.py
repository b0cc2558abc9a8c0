"""The router: gives each waiting call the agent who has been ready longest at the highest skill.

Every choice is a look at the top of a heap. Entries are never searched for: what has moved on
leaves a dead entry behind, and a heap with more dead than living ones is made anew.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from engine.actors.kernel.effects import CancelTimer, Effect, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentForPreview,
    AgentFound,
    AgentMoved,
    CampaignGone,
    CampaignMessage,
    CampaignMoved,
    DescribeRouter,
    PacerMessage,
    QueueCall,
    ReturnAgent,
    RouterMessage,
    RouterView,
    UnqueueCall,
    WantPreviewers,
)
from engine.actors.qualification import level_of, same_staff
from engine.domain.ids import AgentId, AttemptId, CampaignId, TeamId
from engine.domain.specs import CampaignSpec
from engine.machines.agent import AgentPhase

AGAIN_S = 1.0
"""A campaign that gives a reviewer back and still wants some is asked again so much later. [s]"""
_SPARE = 64
"""Dead entries a heap may hold beside as many as there are living ones."""


@dataclass(slots=True)
class _Agent:
    """An agent as last heard of.

    Attributes:
        moved: The last word.
        stamp: Of the present availability; entries with another one are dead.
        available: Whether it is ready and nobody has reserved it.
        places: Campaigns in whose heap it stands.
        given: Preview campaign that has it reserved, and the count of wants at that time.
        refused: The same of the campaigns that gave it back since it moved.
    """

    moved: AgentMoved
    stamp: int = 0
    available: bool = False
    places: tuple[CampaignId, ...] = ()
    given: tuple[CampaignId, int] | None = None
    refused: dict[CampaignId, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Campaign:
    """A campaign that wants agents.

    Attributes:
        spec: Its settings.
        running: Whether it makes attempts.
        ref: Whom to tell.
        ready: Heap of (-level, ready since, stamp, agent).
        available: How many of the entries live.
        calls: Heap of (waiting since, stamp, attempt).
        waiting: Stamp by attempt of the calls that wait.
        wants: Whether it has records to review.
        want: Count of the times it said so.
        asked_again: Whether a timer will offer it again the reviewers it gave back.
        served: When it last got an agent for a preview, for taking turns.
    """

    spec: CampaignSpec
    running: bool
    ref: Ref[CampaignMessage]
    ready: list[tuple[int, float, int, AgentId]] = field(default_factory=list)
    available: int = 0
    calls: list[tuple[float, int, AttemptId]] = field(default_factory=list)
    waiting: dict[AttemptId, int] = field(default_factory=dict)
    wants: bool = False
    want: int = 0
    asked_again: bool = False
    served: int = 0


class RouterBehavior:
    """Matches ready agents with waiting calls, and with records to review."""

    __slots__ = ("_agents", "_by_team", "_calling", "_campaigns", "_pacer", "_stamp", "_wanting")

    def __init__(self, pacer: Ref[PacerMessage]) -> None:
        """Begin with nobody.

        Args:
            pacer: Told of every agent's moves.
        """
        self._pacer = pacer
        self._stamp = 0
        self._agents: dict[AgentId, _Agent] = {}
        self._campaigns: dict[CampaignId, _Campaign] = {}
        self._by_team: dict[TeamId, dict[CampaignId, None]] = {}
        self._calling: dict[CampaignId, None] = {}
        self._wanting: dict[CampaignId, None] = {}

    def on(self, message: RouterMessage, _now_s: float) -> Sequence[Effect]:
        """Answer one message; the time decides nothing here."""
        match message:
            case AgentMoved():
                return [Tell(self._pacer, message), *self._agent_moved(message)]
            case QueueCall():
                return self._queue(message)
            case UnqueueCall(campaign_id, attempt_id):
                self._unqueue(campaign_id, attempt_id)
                return []
            case ReturnAgent(agent_id):
                return self._returned(agent_id)
            case WantPreviewers(campaign_id, wanted):
                return self._want(campaign_id, wanted=wanted)
            case CampaignMoved():
                return self._campaign_moved(message)
            case CampaignGone(campaign_id):
                self._campaign_gone(campaign_id)
                return [CancelTimer(("want", campaign_id))]
            case DescribeRouter(reply_to):
                return [Reply(reply_to, self._view())]
            case _:
                assert_never(message)

    def _next_stamp(self) -> int:
        self._stamp += 1
        return self._stamp

    def _view(self) -> RouterView:
        return RouterView(
            {key: (each.available, len(each.waiting)) for key, each in self._campaigns.items()}
        )

    # --- agents come and go ----------------------------------------------------------------

    def _agent_moved(self, moved: AgentMoved) -> list[Effect]:
        agent = self._agents.get(moved.agent_id)
        if agent is None:
            agent = self._agents[moved.agent_id] = _Agent(moved)
        self._take_away(agent)
        agent.moved, agent.given = moved, None
        agent.refused.clear()
        if moved.phase is AgentPhase.READY:
            return self._serve(agent)
        if moved.phase is AgentPhase.LOGGED_OUT:
            del self._agents[moved.agent_id]
        return []

    def _returned(self, agent_id: AgentId) -> list[Effect]:
        """Make a reserved agent available again, at its old place."""
        agent = self._agents.get(agent_id)
        if agent is None or agent.available or agent.moved.phase is not AgentPhase.READY:
            return []
        return [*self._refused(agent), *self._serve(agent)]

    def _refused(self, agent: _Agent) -> list[Effect]:
        """Note which campaign had no record for the agent; offer it again a little later.

        At once would be ball play: the campaign says that it wants some only when that changes.
        """
        if agent.given is None:
            return []
        campaign_id, want = agent.given
        agent.given = None
        agent.refused[campaign_id] = want
        campaign = self._campaigns.get(campaign_id)
        if campaign is None or not campaign.wants or campaign.asked_again:
            return []
        campaign.asked_again = True
        return [StartTimer(("want", campaign_id), AGAIN_S, WantPreviewers(campaign_id, True))]

    def _serve(self, agent: _Agent) -> list[Effect]:
        """Give an available agent to who needs it most, or let it wait."""
        called = self._neediest(agent)
        if called is not None:
            return [self._connect(called, agent)]
        wanting = self._most_wanting(agent)
        if wanting is not None:
            return [self._preview(wanting, agent)]
        self._make_available(agent)
        return []

    def _neediest(self, agent: _Agent) -> _Campaign | None:
        """Return the campaign whose first call goes first: by priority, then by waiting time."""
        best, best_rank = None, (0, 0.0, 0)
        for campaign in self._qualified(agent, self._calling):
            since_s, stamp, _ = self._first_call(campaign)
            rank = (-campaign.spec.priority, since_s, stamp)
            if best is None or rank < best_rank:
                best, best_rank = campaign, rank
        return best

    def _most_wanting(self, agent: _Agent) -> _Campaign | None:
        """Return the campaign whose record is reviewed first: by priority, then in turn."""
        best, best_rank = None, (0, 0)
        for campaign in self._qualified(agent, self._wanting):
            if not campaign.running or not _may_preview(campaign, agent):
                continue
            rank = (-campaign.spec.priority, campaign.served)
            if best is None or rank < best_rank:
                best, best_rank = campaign, rank
        return best

    def _qualified(self, agent: _Agent, among: dict[CampaignId, None]) -> Iterator[_Campaign]:
        for campaign_id in among:
            campaign = self._campaigns[campaign_id]
            if self._level(campaign, agent) > 0:
                yield campaign

    @staticmethod
    def _level(campaign: _Campaign, agent: _Agent) -> int:
        return level_of(campaign.spec, agent.moved.agent_id, agent.moved.team_id)

    def _make_available(self, agent: _Agent) -> None:
        agent.available = True
        agent.stamp = self._next_stamp()
        of_team = self._by_team.get(agent.moved.team_id, {})
        agent.places = tuple(
            campaign_id
            for campaign_id in of_team
            if self._place(self._campaigns[campaign_id], agent)
        )

    def _place(self, campaign: _Campaign, agent: _Agent) -> bool:
        level = self._level(campaign, agent)
        if level <= 0:
            return False
        moved = agent.moved
        heapq.heappush(campaign.ready, (-level, moved.since_s, agent.stamp, moved.agent_id))
        campaign.available += 1
        return True

    def _take_away(self, agent: _Agent) -> None:
        """Make an agent unavailable; its entries die where they stand."""
        if not agent.available:
            return
        agent.available = False
        for campaign_id in agent.places:
            campaign = self._campaigns.get(campaign_id)
            if campaign is not None:
                campaign.available -= 1
                self._tidy_ready(campaign)
        agent.places = ()

    def _tidy_ready(self, campaign: _Campaign) -> None:
        if len(campaign.ready) > 2 * campaign.available + _SPARE:
            campaign.ready = [entry for entry in campaign.ready if self._lives(entry)]
            heapq.heapify(campaign.ready)

    def _lives(self, entry: tuple[int, float, int, AgentId]) -> bool:
        agent = self._agents.get(entry[3])
        return agent is not None and agent.available and agent.stamp == entry[2]

    def _longest_ready(self, campaign: _Campaign) -> _Agent | None:
        """Return the agent ready longest at the highest level, if there is any."""
        ready = campaign.ready
        while ready and not self._lives(ready[0]):
            heapq.heappop(ready)
        return self._agents[ready[0][3]] if ready else None

    # --- calls wait ------------------------------------------------------------------------

    def _queue(self, message: QueueCall) -> list[Effect]:
        campaign = self._campaigns.get(message.campaign_id)
        if campaign is None:
            return []  # deleted meanwhile; the campaign's own timer ends the wait
        stamp = self._next_stamp()
        campaign.waiting[message.attempt_id] = stamp
        heapq.heappush(campaign.calls, (message.answered_s, stamp, message.attempt_id))
        self._calling[message.campaign_id] = None
        return self._match(campaign)

    def _match(self, campaign: _Campaign) -> list[Effect]:
        """Give waiting calls of a campaign to available agents while there are both."""
        effects: list[Effect] = []
        while campaign.waiting:
            agent = self._longest_ready(campaign)
            if agent is None:
                break
            effects.append(self._connect(campaign, agent))
        return effects

    def _connect(self, campaign: _Campaign, agent: _Agent) -> Effect:
        """Reserve an agent for the call of a campaign that has waited longest."""
        _, _, attempt_id = self._first_call(campaign)
        heapq.heappop(campaign.calls)
        self._unqueue(campaign.spec.campaign_id, attempt_id)
        self._take_away(agent)
        agent.given = None
        return Tell(campaign.ref, AgentFound(attempt_id, agent.moved.agent_id))

    @staticmethod
    def _first_call(campaign: _Campaign) -> tuple[float, int, AttemptId]:
        """Return the call that has waited longest; there must be one."""
        calls, waiting = campaign.calls, campaign.waiting
        while waiting.get(calls[0][2]) != calls[0][1]:
            heapq.heappop(calls)
        return calls[0]

    def _unqueue(self, campaign_id: CampaignId, attempt_id: AttemptId) -> None:
        campaign = self._campaigns.get(campaign_id)
        if campaign is None or campaign.waiting.pop(attempt_id, None) is None:
            return
        waiting = campaign.waiting
        if not waiting:
            campaign.calls = []
            self._calling.pop(campaign_id, None)
        elif len(campaign.calls) > 2 * len(waiting) + _SPARE:
            campaign.calls = [each for each in campaign.calls if waiting.get(each[2]) == each[1]]
            heapq.heapify(campaign.calls)

    # --- records to review -----------------------------------------------------------------

    def _want(self, campaign_id: CampaignId, *, wanted: bool) -> list[Effect]:
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            return []
        campaign.wants = wanted
        campaign.want += 1
        campaign.asked_again = False
        if not wanted:
            self._wanting.pop(campaign_id, None)
            return [CancelTimer(("want", campaign_id))]
        self._wanting[campaign_id] = None
        return self._give_previewers(campaign)

    def _give_previewers(self, campaign: _Campaign) -> list[Effect]:
        """Give a wanting campaign every available agent; it returns those it has no record for."""
        effects: list[Effect] = []
        passed: list[tuple[int, float, int, AgentId]] = []
        while campaign.wants and campaign.running:
            agent = self._longest_ready(campaign)
            if agent is None:
                break
            entry = heapq.heappop(campaign.ready)
            if _may_preview(campaign, agent):
                effects.append(self._preview(campaign, agent))
            else:
                passed.append(entry)
        for entry in passed:
            heapq.heappush(campaign.ready, entry)
        return effects

    def _preview(self, campaign: _Campaign, agent: _Agent) -> Effect:
        """Reserve an agent to review a record."""
        self._take_away(agent)
        agent.given = (campaign.spec.campaign_id, campaign.want)
        campaign.served = self._next_stamp()
        return Tell(campaign.ref, AgentForPreview(agent.moved.agent_id))

    # --- campaigns come and go -------------------------------------------------------------

    def _campaign_moved(self, message: CampaignMoved) -> list[Effect]:
        campaign_id = message.spec.campaign_id
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            campaign = _Campaign(message.spec, message.running, message.campaign)
            self._campaigns[campaign_id] = campaign
            self._staff(campaign)
        else:
            before = campaign.spec
            campaign.spec, campaign.running = message.spec, message.running
            campaign.ref = message.campaign
            if not same_staff(before, message.spec):
                self._unstaff(campaign_id, before)
                self._staff(campaign)
        return [*self._match(campaign), *self._give_previewers(campaign)]

    def _staff(self, campaign: _Campaign) -> None:
        """Place the available agents of a campaign's teams; looks at all agents, once a change."""
        campaign_id = campaign.spec.campaign_id
        for team_id in campaign.spec.teams:
            self._by_team.setdefault(team_id, {})[campaign_id] = None
        campaign.ready, campaign.available = [], 0
        for agent in self._agents.values():
            if agent.available and self._place(campaign, agent):
                agent.places = (*agent.places, campaign_id)

    def _unstaff(self, campaign_id: CampaignId, spec: CampaignSpec) -> None:
        for team_id in spec.teams:
            self._by_team.get(team_id, {}).pop(campaign_id, None)
        for agent in self._agents.values():
            if campaign_id in agent.places:
                agent.places = tuple(each for each in agent.places if each != campaign_id)

    def _campaign_gone(self, campaign_id: CampaignId) -> None:
        campaign = self._campaigns.pop(campaign_id, None)
        if campaign is None:
            return
        self._unstaff(campaign_id, campaign.spec)
        self._calling.pop(campaign_id, None)
        self._wanting.pop(campaign_id, None)


def _may_preview(campaign: _Campaign, agent: _Agent) -> bool:
    """Say whether a campaign has not just given this agent back."""
    return agent.refused.get(campaign.spec.campaign_id) != campaign.want
