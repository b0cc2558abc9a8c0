"""Start, Stop and the schedule: whether the campaign runs, durably, and when that changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import CancelTimer, Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import (
    CampaignMoved,
    CloseGate,
    EdgeReached,
    Journaled,
    OpenGate,
    RunAnswer,
    StartCampaign,
    StopCampaign,
)
from engine.compliance.schedule import Edge, edges_between, next_edge
from engine.domain.facts import CampaignStarted, CampaignStopped, ScheduleEdgePassed
from engine.domain.refusals import CampaignIncompleteError, NotNowError
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
        (spec.caller_id is None, "a caller id"),
        (not spec.teams and spec.mode is not Mode.AUTOMATIC, "a team"),
        (spec.mode is Mode.AUTOMATIC and not spec.prompt, "a prompt to play"),
    )
    return [what for lacks, what in checks if lacks]


class Run:
    """A campaign's run state and schedule.

    Manual control arms or disarms no edge; an edge acts once when its time passes, and changes
    nothing if the campaign is already in that state.
    """

    __slots__ = ("_asked_again", "_context", "_durable", "_edges_done_s", "_stop_failed")

    def __init__(self, context: CampaignContext) -> None:
        self._context = context
        self._edges_done_s = 0.0
        self._durable = 0
        """Newest generation that is durable."""
        self._asked_again: list[ReplyTo[RunAnswer]] = []
        """Who asked for the state that is on its way to the store."""
        self._stop_failed = False
        """Whether the campaign stopped, but the store does not know."""

    # --- commands --------------------------------------------------------------------------

    def start(self, message: StartCampaign, now_s: float) -> Sequence[Effect]:
        """Start at once, unless something is missing."""
        context = self._context
        if context.phase is CampaignPhase.RUNNING:
            return self._already(message.reply_to)
        if lacks := missing(context.spec):
            error = CampaignIncompleteError(
                f"campaigns/{context.campaign_id} lacks {', '.join(lacks)}"
            )
            return [] if message.reply_to is None else [Refuse(message.reply_to, error)]
        context.phase = CAMPAIGN.step(context.phase, Started)
        context.generation += 1
        self._stop_failed = False
        fact = CampaignStarted(
            at_s=now_s,
            campaign_id=context.campaign_id,
            generation=context.generation,
            by=message.by,
        )
        token = RunToken(context.generation, starts=True, reply_to=message.reply_to)
        return [context.journal([fact], token)]

    def stop(self, message: StopCampaign, now_s: float) -> Sequence[Effect]:
        """Stop at once: the gate closes before anything else happens."""
        context = self._context
        if context.phase is not CampaignPhase.RUNNING and not self._stop_failed:
            return self._already(message.reply_to)
        context.phase = CAMPAIGN.step(context.phase, Stopped)
        context.generation += 1
        context.open = False
        self._stop_failed = False
        fact = CampaignStopped(
            at_s=now_s,
            campaign_id=context.campaign_id,
            generation=context.generation,
            by=message.by,
            reason=message.reason,
        )
        token = RunToken(context.generation, starts=False, reply_to=message.reply_to)
        return [
            Do(CloseGate(context.campaign_id)),
            context.journal([fact], token),
            *self.announce(),
        ]

    def _already(self, reply_to: ReplyTo[RunAnswer] | None) -> Sequence[Effect]:
        """Say that it is so already; not before that is durable, or a crash would undo it (D6)."""
        if reply_to is None:
            return []
        if self._durable < self._context.generation:
            self._asked_again.append(reply_to)
            return []
        return [Reply(reply_to, self._answer(already=True))]

    def _answer(self, *, already: bool) -> RunAnswer:
        return RunAnswer(already, self._context.phase, self._context.generation)

    def journaled(self, token: RunToken, message: Journaled) -> Sequence[Effect]:
        """Act on a start or stop that is durable, or take a start back that is not."""
        context = self._context
        latest = token.generation == context.generation
        waiting: list[ReplyTo[RunAnswer]] = []
        if latest:
            waiting, self._asked_again = self._asked_again, waiting
            self._durable = token.generation
        if message.error is not None:
            if token.starts and latest:
                context.phase = CAMPAIGN.step(context.phase, Stopped)
            elif latest:
                self._stop_failed = True  # the next Stop tries again
            if token.reply_to is not None:
                waiting.insert(0, token.reply_to)
            return [Refuse(reply_to, message.error) for reply_to in waiting]
        effects: list[Effect] = []
        if token.starts and latest:
            effects = self.open_gate()
        elif token.starts and token.reply_to is not None:
            error = NotNowError("stopped before the start was durable", slug="stopped")
            return [Refuse(token.reply_to, error)]
        if token.reply_to is not None:
            effects.append(Reply(token.reply_to, self._answer(already=False)))
        effects += [Reply(reply_to, self._answer(already=True)) for reply_to in waiting]
        return effects

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
        context.generation = self._durable = stored.generation
        context.phase = CampaignPhase.RUNNING if stored.running else CampaignPhase.IDLE
        self._edges_done_s = stored.edges_done_s
        effects: list[Effect] = self.open_gate() if stored.running else self.announce()
        if stored.edges_done_s <= 0.0:
            # A new campaign: edges before its creation are none of its own.
            self._edges_done_s = now_s
            effects.append(context.note(self._passed(Edge(now_s, start=False), now_s)))
        return effects + self.edge_reached(now_s)

    def reschedule(self, now_s: float) -> list[Effect]:
        """Set the timer anew, after the schedule changed; past edges of it are none."""
        self._edges_done_s = max(self._edges_done_s, now_s)
        return self._set_timer(now_s)

    def edge_reached(self, now_s: float) -> list[Effect]:
        """Pass every edge up to now, in order, and take the state the last one leads to."""
        since_s = max(self._edges_done_s, now_s - _REPLAY_S)
        edges = edges_between(self._context.spec.schedule, self._context.zone, since_s, now_s)
        effects: list[Effect] = []
        if edges:
            self._edges_done_s = edges[-1].at_s
            effects.append(self._context.note(*(self._passed(edge, now_s) for edge in edges)))
            if edges[-1].start:
                effects += self.start(StartCampaign(by="schedule"), now_s)
            else:
                effects += self.stop(StopCampaign(by="schedule"), now_s)
        return effects + self._set_timer(now_s)

    def next_edge(self, now_s: float) -> Edge | None:
        """Return the next edge of the schedule."""
        return next_edge(self._context.spec.schedule, self._context.zone, now_s)

    def _set_timer(self, now_s: float) -> list[Effect]:
        edge = self.next_edge(now_s)
        if edge is None:
            return [CancelTimer(_TIMER)]
        return [StartTimer(_TIMER, min(edge.at_s - now_s, _FURTHEST_S), EdgeReached())]

    def _passed(self, edge: Edge, now_s: float) -> ScheduleEdgePassed:
        return ScheduleEdgePassed(
            at_s=now_s,
            campaign_id=self._context.campaign_id,
            edge_s=edge.at_s,
            start=edge.start,
        )
