"""An agent's call: who hears whom, hold, its end, its disposition, its supervisors."""

from engine.actors.agent.after_call import AfterCallWork
from engine.actors.agent.context import IN_CALL, AgentContext
from engine.actors.agent.work import Listeners
from engine.actors.desk import CallFinished, CallHeld
from engine.actors.kernel.effects import Do, Effect, Reply, Tell
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import (
    AgentLeft,
    CallMonitored,
    ControlOwnRecording,
    ControlRecording,
    DisposeCall,
    EndCall,
    HoldCall,
    JoinSupervision,
    Journal,
    SetDisposition,
    SupervisedCallEnded,
    SupervisionJoined,
    SupervisionRefused,
)
from engine.domain.facts import CallEnded
from engine.domain.ids import AttemptId, SessionId
from engine.domain.refusals import IllegalTransitionError, NotNowError
from engine.machines.agent import AgentPhase, Held, Resumed
from engine.machines.mix import SupervisionMode, mix_of
from engine.ports import PlayPrompt, SetMix, StopPrompt


class Calls:
    """The call one agent has in hand."""

    __slots__ = ("_after_call", "_agent", "_listeners")

    def __init__(self, agent: AgentContext, after_call: AfterCallWork) -> None:
        self._agent = agent
        self._after_call = after_call
        self._listeners = Listeners()

    def remix(self) -> list[Effect]:
        """Say who hears whom in the call in hand."""
        work = self._agent.work
        if work is None or self._agent.phase not in IN_CALL:
            return []
        held = self._agent.phase is AgentPhase.HOLDING
        modes = self._listeners.modes()
        return [Do(SetMix(mix_of(self._agent.phone.leg_id, work.customer_leg, modes, held=held)))]

    def silence(self, now_s: float) -> list[Effect]:
        """End what the legs of the call hear, and send the supervisors home."""
        work = self._agent.in_hand()
        legs = (self._agent.phone.leg_id, work.customer_leg, *self._listeners.modes())
        effects: list[Effect] = []
        held = self._agent.phase is AgentPhase.HOLDING and work.hold_prompt
        if held and work.customer_leg is not None:
            effects.append(Do(StopPrompt(work.customer_leg)))
        work.resume(now_s)
        work.ended_s = now_s
        effects.append(Do(SetMix({leg: () for leg in legs if leg is not None})))
        attempt_id = work.attempt_id or AttemptId("")
        if self._listeners.modes():
            effects.append(Tell(work.campaign, CallMonitored(attempt_id, on=False, by="engine")))
        over = SupervisedCallEnded(attempt_id)
        return effects + [Tell(each.session, over) for each in self._listeners.dismiss()]

    def finish(self, ended_by: str, now_s: float) -> list[Effect]:
        """Begin after-call work: the customer's leg is over."""
        agent, work = self._agent, self._agent.in_hand()
        silence = self.silence(now_s)
        return [
            *silence,
            self._ended(ended_by, now_s),
            *agent.phone.release(),
            agent.tell_desk(CallFinished(work.attempt_id or AttemptId(""), ended_by)),
            *self._after_call.begin(now_s),
        ]

    def _ended(self, ended_by: str, now_s: float) -> Effect:
        work = self._agent.in_hand()
        fact = CallEnded(
            at_s=now_s,
            attempt_id=work.attempt_id or AttemptId(""),
            campaign_id=work.campaign_id,
            agent_id=self._agent.agent_id,
            ended_by=ended_by,
            talk_s=work.talk_s(now_s),
            hold_s=work.hold_s,
        )
        return Do(Journal((fact,), keep=True))

    def leave_customer(self, now_s: float) -> list[Effect]:
        """The agent's phone was lost in the call."""
        work = self._agent.in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        effects = [*self.silence(now_s), self._ended("engine", now_s)]
        left = AgentLeft(attempt_id, self._agent.agent_id, work.talk_s(now_s), work.hold_s)
        return [
            *effects,
            Tell(work.campaign, left),
            self._agent.tell_desk(CallFinished(attempt_id, "engine")),
        ]

    def hold(self, message: HoldCall, now_s: float) -> list[Effect]:
        """Put the customer on hold, or take back."""
        work = self._agent.call(message.attempt_id)
        leg_id = work.customer_leg
        if leg_id is None or self._agent.phase not in IN_CALL:
            raise IllegalTransitionError(f"no call can be held while {self._agent.phase.value}")
        if message.on is (self._agent.phase is AgentPhase.HOLDING):
            return [Reply(message.reply_to)]
        self._agent.move(Held if message.on else Resumed, now_s, by="agent")
        prompt: Effect
        if message.on:
            work.hold(now_s)
            prompt = Do(PlayPrompt(leg_id, work.hold_prompt, loop=True))
        else:
            work.resume(now_s)
            prompt = Do(StopPrompt(leg_id))
        held = self._agent.tell_desk(CallHeld(message.attempt_id, message.on))
        music = [prompt] if work.hold_prompt else []
        return [*self.remix(), *music, held, Reply(message.reply_to)]

    def hang_up(self, attempt_id: AttemptId, reply_to: ReplyTo[None]) -> list[Effect]:
        """Ask the campaign to end the call."""
        work = self._agent.call(attempt_id)
        if self._agent.phase not in IN_CALL | {AgentPhase.DIALING}:
            raise IllegalTransitionError(f"there is no call to end while {self._agent.phase.value}")
        return [Tell(work.campaign, EndCall(attempt_id, "agent")), Reply(reply_to)]

    def dispose(self, message: SetDisposition) -> list[Effect]:
        """Pass on what the call came to."""
        work = self._agent.call(message.attempt_id)
        if self._agent.phase not in IN_CALL | {AgentPhase.ACW}:
            raise IllegalTransitionError(
                f"no disposition can be set while {self._agent.phase.value}"
            )
        dispose = DisposeCall(
            attempt_id=message.attempt_id,
            agent_id=self._agent.agent_id,
            disposition=message.disposition,
            notes=message.notes,
            callback_s=message.callback_s,
            callback_until_s=message.callback_until_s,
            request_id=message.request_id,
            reply_to=message.reply_to,
        )
        return [Tell(work.campaign, dispose)]

    def join_supervision(self, message: JoinSupervision) -> list[Effect]:
        """Let a supervisor's leg into the call."""
        work = self._agent.work
        if self._agent.phase not in IN_CALL or work is None or work.attempt_id is None:
            error = NotNowError(f"{self._agent.agent_id} is in no call", slug="no-call")
            return [Tell(message.session, SupervisionRefused(error))]
        self._listeners.join(message)
        by = message.supervisor_id or "supervisor"
        return [
            *self.remix(),
            Tell(message.session, SupervisionJoined(work.attempt_id)),
            Tell(work.campaign, CallMonitored(work.attempt_id, on=True, by=by)),
        ]

    def change_supervision(self, session_id: SessionId, mode: SupervisionMode) -> list[Effect]:
        """Change what a supervisor's voice reaches."""
        return self.remix() if self._listeners.change(session_id, mode) else []

    def leave_supervision(self, session_id: SessionId) -> list[Effect]:
        """Take a supervisor's leg out of the call."""
        if not self._listeners.leave(session_id):
            return []
        work = self._agent.work
        if work is None or work.attempt_id is None or self._listeners.modes():
            return self.remix()
        left = CallMonitored(work.attempt_id, on=False, by="engine")
        return [*self.remix(), Tell(work.campaign, left)]

    def control_recording(self, message: ControlOwnRecording) -> list[Effect]:
        """Ask for the call in hand to be recorded, or not."""
        work = self._agent.call(message.attempt_id)
        if self._agent.phase not in IN_CALL:
            raise IllegalTransitionError(f"no call can be recorded while {self._agent.phase.value}")
        control = ControlRecording(
            message.attempt_id,
            message.action,
            f"agent:{self._agent.agent_id}",
            message.automated,
            message.reply_to,
        )
        return [Tell(work.campaign, control)]
