"""Start, Stop and the schedule: whether the campaign runs, durably, and when that changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.showing import can_show
from engine.actors.kernel.effects import CancelTimer, Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import (
    CampaignMoved,
    CloseGate,
    EdgeReached,
    Journal,
    Journaled,
    OpenGate,
    RunAnswer,
    StartCampaign,
    StopCampaign,
)
from engine.compliance.schedule import Edge, edges_between, next_edge
from engine.domain.facts import CampaignStarted, CampaignStopped, ScheduleEdgePassed
from engine.domain.refusals import (
    CampaignIncompleteError,
    DialerError,
    NotNowError,
    UnavailableError,
)
from engine.domain.specs import CampaignSpec, Mode
from engine.machines.campaign import CAMPAIGN, CampaignPhase, Drained, Started, Stopped
from engine.ports import RunState

_TIMER = "schedule"
_FURTHEST_S = 86_400.0
"""Timers are set no further ahead: a changed zone rule is then met in time. [s]"""
_REPLAY_S = 35 * 86_400.0
"""Missed edges older than this say nothing that newer ones do not. [s]"""


@dataclass(frozen=True, slots=True)
class RunToken:
    """A start or stop that waits to be durable."""

    generation: int
    starts: bool
    reply_to: ReplyTo[RunAnswer] | None


def missing(spec: CampaignSpec) -> list[str]:
    """Return what a campaign lacks to run (guide: Diagnostics)."""
    checks = (
        (not spec.hours, "calling hours"),
        (not any(link.enabled for link in spec.lists), "an enabled list"),
        (not spec.trunks, "a trunk"),
        (not can_show(spec), "a caller id"),
        (not spec.teams and spec.mode is not Mode.AUTOMATIC, "a team"),
        (
            spec.mode is Mode.AUTOMATIC and not spec.prompt and spec.scenario is None,
            "a prompt to play",
        ),
    )
    return [what for lacks, what in checks if lacks]


class Run:
    """A campaign's run state and schedule.

    Manual control arms or disarms no edge; an edge acts once when its time passes, and changes
    nothing if the campaign is already in that state.

    A start is wanted: it is refused if the journal cannot be written. A stop has happened as soon
    as the gate is closed, and a start by the schedule must not be missed: both are kept until they
    are durable. Who asks for a state that is on its way to the store is answered when it is there,
    or a crash would undo what was acknowledged (D6).
    """

    __slots__ = ("_asked", "_context", "_edges_done_s")

    def __init__(self, context: CampaignContext) -> None:
        self._context = context
        self._edges_done_s = 0.0
        self._asked: dict[int, list[ReplyTo[RunAnswer]]] = {}
        """Who asked again for the state of a generation that is not durable yet."""

    # --- commands --------------------------------------------------------------------------

    def start(self, message: StartCampaign, now_s: float) -> list[Effect]:
        """Start at once, unless something is missing."""
        if not self._context.recovered:
            return self._not_yet(message.reply_to)
        if self._context.phase is CampaignPhase.RUNNING:
            return self._already(message.reply_to)
        if lacks := missing(self._context.spec):
            error = CampaignIncompleteError(
                f"campaigns/{self._context.campaign_id} lacks {', '.join(lacks)}"
            )
            return [] if message.reply_to is None else [Refuse(message.reply_to, error)]
        return self._start(message, now_s, ())

    def _start(
        self, message: StartCampaign, now_s: float, passed: Sequence[ScheduleEdgePassed]
    ) -> list[Effect]:
        context = self._context
        context.phase = CAMPAIGN.step(context.phase, Started)
        fact = CampaignStarted(
            at_s=now_s,
            campaign_id=context.campaign_id,
            generation=self._next_generation(),
            by=message.by,
        )
        token = RunToken(context.generation, starts=True, reply_to=message.reply_to)
        return [Do(Journal((*passed, fact), token, keep=bool(passed)))]

    def stop(
        self,
        message: StopCampaign,
        now_s: float,
        passed: Sequence[ScheduleEdgePassed] = (),
    ) -> list[Effect]:
        """Stop at once: the gate closes before anything else happens."""
        context = self._context
        if not context.recovered:
            return self._not_yet(message.reply_to)
        if context.phase is not CampaignPhase.RUNNING:
            return [*self._note(passed), *self._already(message.reply_to)]
        context.phase = CAMPAIGN.step(context.phase, Stopped)
        context.open = False
        fact = CampaignStopped(
            at_s=now_s,
            campaign_id=context.campaign_id,
            generation=self._next_generation(),
            by=message.by,
            reason=message.reason,
        )
        token = RunToken(context.generation, starts=False, reply_to=message.reply_to)
        return [
            Do(CloseGate(context.campaign_id)),
            Do(Journal((*passed, fact), token, keep=True)),
            *self.announce(),
        ]

    def _not_yet(self, reply_to: ReplyTo[RunAnswer] | None) -> list[Effect]:
        error = UnavailableError(f"campaigns/{self._context.campaign_id} recovers", slug="recovers")
        return [] if reply_to is None else [Refuse(reply_to, error)]

    def _next_generation(self) -> int:
        self._context.generation += 1
        self._asked[self._context.generation] = []
        return self._context.generation

    def _already(self, reply_to: ReplyTo[RunAnswer] | None) -> list[Effect]:
        if reply_to is None:
            return []
        asked = self._asked.get(self._context.generation)
        if asked is not None:
            asked.append(reply_to)
            return []
        return [Reply(reply_to, self._answer(already=True))]

    def _answer(self, *, already: bool) -> RunAnswer:
        return RunAnswer(already, self._context.phase, self._context.generation)

    def journaled(self, token: RunToken, message: Journaled) -> list[Effect]:
        """Act on a start or stop that is durable, or take a start back that is not."""
        context = self._context
        latest = token.generation == context.generation
        asked = self._asked.pop(token.generation, [])
        if message.error is not None:
            if token.starts and latest:
                context.phase = CAMPAIGN.step(context.phase, Stopped)
            return _refuse(token, asked, message.error)
        if token.starts and not latest:
            error = NotNowError("stopped before the start was durable", slug="stopped")
            return _refuse(token, asked, error)
        effects = self.open_gate() if token.starts else []
        if token.reply_to is not None:
            effects.append(Reply(token.reply_to, self._answer(already=False)))
        return effects + [Reply(each, self._answer(already=True)) for each in asked]

    def open_gate(self) -> list[Effect]:
        """Let calls leave from now on."""
        context = self._context
        context.open = True
        return [Do(OpenGate(context.campaign_id, context.generation)), *self.announce()]

    def announce(self) -> list[Effect]:
        """Tell who matches agents, and who paces, how the campaign stands."""
        context = self._context
        moved = CampaignMoved(context.spec, context.dialing, context.me)
        return [Tell(context.registry.router, moved), Tell(context.registry.pacer, moved)]

    def drained(self) -> None:
        """Note that the last attempt under way has ended."""
        if self._context.phase is CampaignPhase.STOPPING:
            self._context.phase = CAMPAIGN.step(self._context.phase, Drained)

    # --- schedule --------------------------------------------------------------------------

    def recover(self, stored: RunState, now_s: float) -> list[Effect]:
        """Take up the stored run state and replay the edges missed since."""
        context = self._context
        context.recovered = True
        context.generation = stored.generation
        context.phase = CampaignPhase.RUNNING if stored.running else CampaignPhase.IDLE
        self._edges_done_s = stored.edges_done_s
        effects: list[Effect] = self.open_gate() if stored.running else self.announce()
        if stored.edges_done_s <= 0.0:
            # A new campaign: edges before its creation are none of its own.
            effects += self._pass_all(now_s)
        return effects + self.edge_reached(now_s)

    def reschedule(self, now_s: float) -> list[Effect]:
        """Set the timer anew, after the schedule changed; past edges of it are none."""
        return [*self._pass_all(now_s), *self._set_timer(now_s)]

    def _pass_all(self, now_s: float) -> list[Effect]:
        """Count every edge up to now as done, also for a later life."""
        self._edges_done_s = max(self._edges_done_s, now_s)
        return self._note([self._passed(Edge(self._edges_done_s, start=False), now_s)])

    def edge_reached(self, now_s: float) -> list[Effect]:
        """Pass every edge up to now, in order, and take the state the last one leads to.

        Edge and state are one entry of the journal: a crash between them loses neither.
        """
        since_s = max(self._edges_done_s, now_s - _REPLAY_S)
        edges = edges_between(self._context.spec.schedule, self._context.zone, since_s, now_s)
        if not edges:
            return self._set_timer(now_s)
        self._edges_done_s = edges[-1].at_s
        passed = [self._passed(edge, now_s) for edge in edges]
        if not edges[-1].start:
            effects = self.stop(StopCampaign(by="schedule"), now_s, passed)
        elif self._context.phase is CampaignPhase.RUNNING or missing(self._context.spec):
            effects = self._note(passed)
        else:
            effects = self._start(StartCampaign(by="schedule"), now_s, passed)
        return effects + self._set_timer(now_s)

    def next_edge(self, now_s: float) -> Edge | None:
        """Return the next edge of the schedule."""
        return next_edge(self._context.spec.schedule, self._context.zone, now_s)

    def _set_timer(self, now_s: float) -> list[Effect]:
        edge = self.next_edge(now_s)
        if edge is None:
            return [CancelTimer(_TIMER)]
        return [StartTimer(_TIMER, min(edge.at_s - now_s, _FURTHEST_S), EdgeReached())]

    def _note(self, passed: Sequence[ScheduleEdgePassed]) -> list[Effect]:
        return [self._context.note(*passed)] if passed else []

    def _passed(self, edge: Edge, now_s: float) -> ScheduleEdgePassed:
        return ScheduleEdgePassed(
            at_s=now_s,
            campaign_id=self._context.campaign_id,
            edge_s=edge.at_s,
            start=edge.start,
        )


def _refuse(
    token: RunToken, asked: Sequence[ReplyTo[RunAnswer]], error: DialerError
) -> list[Effect]:
    """Refuse whoever asked for a start that did not come about."""
    first = [] if token.reply_to is None else [token.reply_to]
    return [Refuse(reply_to, error) for reply_to in (*first, *asked)]
