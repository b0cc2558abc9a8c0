"""Virtual agents: what people at a desktop do when their desktop shows them something."""

from collections.abc import Callable
from random import Random
from typing import Any

from engine.actors.desk import (
    CallFinished,
    CallHeld,
    CallJoined,
    CallOfferedToDesk,
    DeskEvent,
    OfferGone,
    PreviewGone,
    PreviewShown,
    StateShown,
)
from engine.actors.kernel import ReplyTo, Scheduler
from engine.actors.messages import (
    AcceptOffer,
    AgentMessage,
    ChooseState,
    DecidePreview,
    HangUpCall,
    HoldCall,
    LogIn,
    RejectOffer,
    SetDisposition,
)
from engine.domain.ids import AgentId, AttemptId
from engine.machines.agent import AgentPhase, AgentState
from engine.telephony.simulated import Witness

ACW_MEAN_S = 15.0
LOOK_S = 20.0
"""An agent looks up so often to see whether something is to be done."""
LONG_S = 180.0
"""After-call work that lasts so long has been forgotten."""
_DISPOSITIONS = ("success", "offer-rejected", "call-back", "wrong-person")

# Any: each message has an answer of its own type, and nobody here looks at it.
Ask = Callable[[AgentId, Callable[[ReplyTo[Any]], AgentMessage], Callable[[bool], None]], None]


class VirtualAgent:
    """One agent: reacts to desk events, after the time a person takes.

    Args:
        agent_id: The agent.
        seed: Of the world.
        scheduler: Virtual time.
        ask: Sends a message to the agent's actor; the last argument learns whether it was done.
        witness: Where acknowledged dispositions are noted.
        nailed_up: Whether its phone is called at login, and so has to be up.
        wilful: Whether it rejects, dawdles, takes breaks and forgets.
    """

    def __init__(
        self,
        agent_id: AgentId,
        seed: int,
        scheduler: Scheduler,
        ask: Ask,
        witness: Witness,
        *,
        nailed_up: bool,
        wilful: bool,
    ) -> None:
        self.agent_id = agent_id
        self._random = Random(f"{seed} {agent_id}")  # noqa: S311 - a simulation
        self._scheduler = scheduler
        self._ask = ask
        self._witness = witness
        self._nailed_up = nailed_up
        self._wilful = wilful
        self._at_work = False
        self._phase = AgentPhase.LOGGED_OUT
        self._phone_up = True
        self._attempt: AttemptId | None = None
        self._number = ""
        self._since_s = 0.0
        self._desktop = 0

    def begin(self) -> None:
        """Come to work: log in soon, and look up from time to time."""
        self._at_work = True
        self._phase = AgentPhase.LOGGED_OUT
        self._attempt = None
        self._later(self._random.uniform(0.1, 3.0), self._log_in)
        self._later(self._random.uniform(0.5, 1.5) * LOOK_S, self._look_up)

    def interrupt(self) -> None:
        """Lose the desktop: what was about to be done is forgotten."""
        self._at_work = False
        self._desktop += 1

    def leave(self) -> None:
        """Go home once the work in hand is done."""
        self.interrupt()
        self._choose(AgentState.LOGGED_OUT)

    # --- what the desktop shows ----------------------------------------------------------------

    def on_desk(self, event: DeskEvent) -> None:
        """React to what the desktop shows."""
        match event:
            case StateShown(view):
                self._on_state(view.phase, phone_up=view.phone_up)
            case CallOfferedToDesk():
                if not event.automatic:
                    self._on_offer(event.attempt_id)
            case CallJoined():
                self._attempt, self._number = event.attempt_id, event.number
                if self._wilful and self._random.random() < 0.05:
                    self._later(self._random.uniform(1.0, 20.0), self._hold)
            case CallFinished():
                self._work_after(event.attempt_id)
            case PreviewShown():
                self._later(self._random.uniform(2.0, 8.0), self._decide)
            case OfferGone() | PreviewGone() | CallHeld():
                pass  # the state that follows is shown as well

    def goodbye(self) -> None:
        """Hear the customer say goodbye: hang up."""
        attempt = self._attempt
        if attempt is not None:
            self._do(lambda reply_to: HangUpCall(attempt, reply_to))

    def _on_state(self, phase: AgentPhase, *, phone_up: bool) -> None:
        before, self._phase, self._phone_up = self._phase, phase, phone_up
        if phase is not before:
            self._since_s = self._scheduler.now_s()
        if phase is before or not self._at_work:
            return
        if phase is AgentPhase.NOT_READY:
            if before is AgentPhase.CONNECTING:
                self._later(self._random.uniform(0.1, 0.5), self._resume)
            else:
                self._later(self._random.uniform(1.0, 6.0), self._resume)

    def _on_offer(self, attempt: AttemptId) -> None:
        luck = self._random.random() if self._wilful else 1.0
        if luck < 0.02:
            self._later(0.5, lambda: self._do(lambda to: RejectOffer(attempt, to)))
        elif luck >= 0.03:  # between the two the offer is overlooked
            delay_s = self._random.uniform(0.1, 0.7)
            self._later(delay_s, lambda: self._do(lambda to: AcceptOffer(attempt, to)))

    def _decide(self) -> None:
        luck = self._random.random()
        decision = "call" if luck < 0.9 else "skip" if luck < 0.95 else "reject"
        self._do(lambda to: DecidePreview(decision, -1, "", "", to))

    def _hold(self) -> None:
        attempt = self._attempt
        if attempt is not None and self._phase is AgentPhase.TALKING:
            self._do(lambda to: HoldCall(attempt, True, to))
            self._later(self._random.uniform(2.0, 10.0), lambda: self._take_back(attempt))

    def _take_back(self, attempt: AttemptId) -> None:
        self._do(lambda to: HoldCall(attempt, False, to))

    # --- after-call work -----------------------------------------------------------------------

    def _work_after(self, attempt: AttemptId) -> None:
        self._attempt = None
        work_s = self._random.gammavariate(2.0, ACW_MEAN_S / 2.0)
        self._later(work_s, lambda: self._dispose(attempt))

    def _dispose(self, attempt: AttemptId) -> None:
        if self._wilful and self._random.random() < 0.05:
            self._finish_work()  # forgets to say what it was
            return
        slug = self._random.choice(_DISPOSITIONS)
        if self._wilful and self._random.random() < 0.05:
            slug = "add-to-dnc"
        callback_s = 0.0
        if slug == "call-back":
            callback_s = self._scheduler.now_s() + self._random.uniform(120.0, 7200.0)
        number = self._number

        def said(done: bool) -> None:
            if done:
                self._witness.note("disposed", attempt=attempt, disposition=slug)
                if slug == "add-to-dnc":
                    self._witness.note("dnc-added", number=number)
            self._finish_work()

        message = SetDisposition
        self._do(lambda to: message(attempt, slug, "", callback_s, 0.0, "", to), said)

    def _finish_work(self) -> None:
        if self._wilful and self._random.random() < 0.05:
            self._choose(AgentState.NOT_READY, "break")
            self._later(self._random.uniform(10.0, 60.0), self._resume)
        else:
            self._choose(AgentState.READY)

    # --- states --------------------------------------------------------------------------------

    def _look_up(self) -> None:
        """Do what may have been overlooked: phones break, desktops miss things."""
        self._later(LOOK_S, self._look_up)
        if self._phase is AgentPhase.LOGGED_OUT:
            self._log_in()
        elif self._phase is AgentPhase.NOT_READY:
            self._resume()
        elif self._phase is AgentPhase.ACW and self._scheduler.now_s() > self._since_s + LONG_S:
            self._choose(AgentState.READY)

    def _resume(self) -> None:
        if self._phase is AgentPhase.NOT_READY:
            if self._phone_up or not self._nailed_up:
                self._choose(AgentState.READY)
            else:
                self._log_in()

    def _log_in(self) -> None:
        self._do(LogIn)

    def _choose(self, state: AgentState, reason: str = "") -> None:
        self._do(lambda to: ChooseState(state, reason, to))

    # --- doing ---------------------------------------------------------------------------------

    def _do(
        self,
        make: Callable[[ReplyTo[Any]], AgentMessage],
        done: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._ask(self.agent_id, make, done)

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        desktop = self._desktop

        def still_there() -> None:
            if self._desktop == desktop:
                act()

        self._scheduler.call_later(delay_s, still_there)
