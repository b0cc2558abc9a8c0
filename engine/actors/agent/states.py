"""An agent's login and the states it chooses, is forced into, or falls into."""

from engine.actors.agent.after_call import AfterCallWork
from engine.actors.agent.context import HANDLING, AgentContext, Wish
from engine.actors.kernel.effects import Effect, Refuse, Reply
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import AgentView, ForceState
from engine.domain.refusals import (
    AgentBusyError,
    DialerError,
    IllegalTransitionError,
    InvalidRequestError,
    NotNowError,
    UnavailableError,
)
from engine.machines.agent import (
    STATE_OF,
    AgentPhase,
    AgentState,
    LoggedIn,
    LoggedOut,
    MadeNotReady,
    MadeReady,
    MadeSupervising,
    PhoneGone,
    PhoneUp,
    WorkDone,
)

_CHOSEN: dict[AgentState, type] = {
    AgentState.READY: MadeReady,
    AgentState.NOT_READY: MadeNotReady,
    AgentState.SUPERVISING: MadeSupervising,
    AgentState.LOGGED_OUT: LoggedOut,
}
"""States that can be chosen, and the event that each is."""
_FORCED: dict[AgentPhase, frozenset[AgentState]] = {
    AgentPhase.CONNECTING: frozenset({AgentState.LOGGED_OUT}),
    AgentPhase.READY: frozenset({AgentState.NOT_READY, AgentState.LOGGED_OUT}),
    AgentPhase.NOT_READY: frozenset({AgentState.READY, AgentState.LOGGED_OUT}),
    AgentPhase.SUPERVISING: frozenset({AgentState.LOGGED_OUT}),
    AgentPhase.ACW: frozenset({AgentState.READY, AgentState.NOT_READY}),
}
"""Forced moves (guide: Changing Agent State)."""
LOGIN_RING_S = 30.0
"""How long a nailed-up phone may ring at login. [s]"""


class States:
    """Where one agent goes, and what must be there first: a phone, and no work in hand."""

    __slots__ = ("_after_call", "_agent", "_callers", "_logging_in")

    def __init__(self, agent: AgentContext, after_call: AfterCallWork) -> None:
        self._agent = agent
        self._after_call = after_call
        self._logging_in = False
        self._callers: list[ReplyTo[AgentView]] = []

    def log_in(self, reply_to: ReplyTo[AgentView], now_s: float) -> list[Effect]:
        """Log in, or have a lost phone called again; answered when the phone is up."""
        match self._agent.phase:
            case AgentPhase.LOGGED_OUT:
                self._logging_in = True
                self._agent.pending = None
                return self._connect(reply_to, now_s)
            case AgentPhase.NOT_READY if not self._agent.reachable:
                return self._connect(reply_to, now_s)
            case AgentPhase.CONNECTING:
                self._callers.append(reply_to)
                return []
            case _:
                return [Reply(reply_to, self._agent.view())]

    def _connect(self, reply_to: ReplyTo[AgentView] | None, now_s: float) -> list[Effect]:
        """Have the nailed-up phone called; a phone that rings per call need not be there yet."""
        self._agent.move(LoggedIn, now_s, by="agent")
        if reply_to is not None:
            self._callers.append(reply_to)
        if self._agent.reachable:
            return self.connected(now_s)
        return self._agent.phone.call(
            self._agent.spec.phone, kept=True, ring_s=LOGIN_RING_S, now_s=now_s
        )

    def connected(self, now_s: float) -> list[Effect]:
        """Go on now that the phone is up: what was chosen meanwhile follows."""
        self._agent.move(PhoneUp, now_s, by="agent")
        self._logging_in = False
        effects = self._follow_wish(now_s)
        return effects + self._answer_callers()

    def _answer_callers(self) -> list[Effect]:
        callers, self._callers = self._callers, []
        return [Reply(caller, self._agent.view()) for caller in callers]

    def _refuse_callers(self, error: DialerError) -> list[Effect]:
        callers, self._callers = self._callers, []
        return [Refuse(caller, error) for caller in callers]

    def unreachable(self, why: str, now_s: float) -> list[Effect]:
        """The phone could not be had: no login without it, and no Ready."""
        self._agent.pending = None
        if self._logging_in:
            self._logging_in = False
            self._agent.move(LoggedOut, now_s)
        else:
            self._agent.move(PhoneGone, now_s, "phone-unreachable")
        error = UnavailableError(
            f"the phone of {self._agent.agent_id} cannot be reached: {why}",
            slug="phone-unreachable",
        )
        return self._refuse_callers(error)

    def choose(self, wish: Wish, reply_to: ReplyTo[AgentView], now_s: float) -> list[Effect]:
        """Enter the state the agent chose, now or when its work ends."""
        if wish.state not in _CHOSEN:
            raise InvalidRequestError(
                f"{wish.state.value} cannot be chosen, it comes with the work", slug="invalid-state"
            )
        match self._agent.phase:
            case AgentPhase.LOGGED_OUT if wish.state is not AgentState.LOGGED_OUT:
                raise NotNowError(f"{self._agent.agent_id} is logged out", slug="not-logged-in")
            case AgentPhase.LOGGED_OUT:
                return [Reply(reply_to, self._agent.view())]
            case AgentPhase.CONNECTING if wish.state is not AgentState.LOGGED_OUT:
                self._agent.pending = wish
                return [Reply(reply_to, self._agent.view())]
            case AgentPhase.ACW:
                return [*self._after_call.end(now_s), *self._become(wish, reply_to, now_s)]
            case phase if phase in HANDLING:
                return self._wish_while_handling(wish, reply_to)
            case _:
                return self._become(wish, reply_to, now_s)

    def _wish_while_handling(self, wish: Wish, reply_to: ReplyTo[AgentView]) -> list[Effect]:
        if wish.state is AgentState.SUPERVISING:
            raise AgentBusyError("Supervising cannot be chosen while busy")
        self._agent.pending = None if wish.state is AgentState.READY else wish
        return [Reply(reply_to, self._agent.view())]

    def force(self, message: ForceState, now_s: float) -> list[Effect]:
        """Enter the state a supervisor chose, where the guide allows it."""
        state, phase = message.state, self._agent.phase
        if phase in HANDLING:
            raise AgentBusyError(f"{self._agent.agent_id} handles an interaction")
        wish = Wish(state, message.reason, f"supervisor:{message.supervisor_id}")
        if state in _FORCED.get(phase, frozenset()):
            ended = self._after_call.end(now_s) if phase is AgentPhase.ACW else []
            return [*ended, *self._become(wish, message.reply_to, now_s)]
        if state is STATE_OF[phase]:
            return [Reply(message.reply_to, self._agent.view())]
        raise IllegalTransitionError(
            f"{self._agent.agent_id} cannot be made {state.value} while {phase.value}"
        )

    def _become(
        self, wish: Wish, reply_to: ReplyTo[AgentView] | None, now_s: float
    ) -> list[Effect]:
        """Enter a chosen state from an idle one; Ready waits for a lost phone to come back."""
        self._agent.pending = None
        if wish.state is AgentState.LOGGED_OUT:
            return self._log_out(wish, reply_to, now_s)
        if wish.state is AgentState.READY and not self._agent.reachable:
            self._agent.move(MadeNotReady, now_s, by=wish.by)
            self._agent.pending = wish
            return self._connect(reply_to, now_s)
        reason = wish.reason if wish.state is AgentState.NOT_READY else ""
        self._agent.move(_CHOSEN[wish.state], now_s, reason, wish.by)
        return [] if reply_to is None else [Reply(reply_to, self._agent.view())]

    def _follow_wish(self, now_s: float) -> list[Effect]:
        wish, self._agent.pending = self._agent.pending, None
        return [] if wish is None else self._become(wish, None, now_s)

    def _log_out(
        self, wish: Wish, reply_to: ReplyTo[AgentView] | None, now_s: float
    ) -> list[Effect]:
        self._agent.move(LoggedOut, now_s, by=wish.by)
        self._logging_in = False
        effects = self._agent.phone.hang_up()
        effects += self._refuse_callers(NotNowError("logged out meanwhile", slug="logged-out"))
        if reply_to is not None:
            effects.append(Reply(reply_to, self._agent.view()))
        return effects

    def settle(self, now_s: float) -> list[Effect]:
        """The work is done: what was chosen meanwhile follows, else Ready."""
        self._agent.work = None
        self._agent.move(WorkDone, now_s)
        if self._agent.pending is None and not self._agent.reachable:
            self._agent.move(PhoneGone, now_s, "phone-lost")
        return self._follow_wish(now_s)

    def follow_logout(self, now_s: float) -> list[Effect]:
        """Of what was chosen during lost work only Logged Out goes beyond Not Ready."""
        wish, self._agent.pending = self._agent.pending, None
        if wish is None or wish.state is not AgentState.LOGGED_OUT:
            return []
        return self._log_out(wish, None, now_s)
