"""An agent's after-call work: its limit, its end, and who is told how long it took."""

from engine.actors.agent.context import AgentContext
from engine.actors.kernel.effects import CancelTimer, Effect, StartTimer, Tell
from engine.actors.messages import AcwExpired, WorkFinished
from engine.domain.ids import AttemptId
from engine.machines.agent import AgentState, CallGone

LAST_ACW_S = 60.0
"""After-call work of an agent who is about to log out, where the campaign sets no limit. [s]"""
_TIMER = "acw"


class AfterCallWork:
    """The work of one agent after a call."""

    __slots__ = ("_agent",)

    def __init__(self, agent: AgentContext) -> None:
        self._agent = agent

    def begin(self, now_s: float) -> list[Effect]:
        """Begin after-call work, for as long as the campaign allows."""
        work = self._agent.in_hand()
        self._agent.move(CallGone, now_s)
        pending = self._agent.pending
        leaving = pending is not None and pending.state is AgentState.LOGGED_OUT
        limit_s = work.acw_limit_s or (LAST_ACW_S if leaving else 0.0)
        expired = AcwExpired(work.attempt_id or AttemptId(""))
        return [StartTimer(_TIMER, limit_s, expired)] if limit_s > 0 else []

    def end(self, now_s: float) -> list[Effect]:
        """Let the attempt close; the caller says where the agent goes."""
        work = self._agent.in_hand()
        self._agent.work = None
        attempt_id = work.attempt_id or AttemptId("")
        acw_s = now_s - (now_s if work.ended_s is None else work.ended_s)
        finished = WorkFinished(attempt_id, self._agent.agent_id, acw_s)
        return [CancelTimer(_TIMER), Tell(work.campaign, finished)]
