"""The far side of every leg: called parties, agents' phones and the carrier between.

It knows nothing of the engine's lives. When one dies, phones go on ringing and people go on
talking, until a later life ends their legs or their own patience does.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from typing import Protocol

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.ids import AgentId, LegId, RecordingId
from engine.telephony.simulated.laws import CarrierModel, Fate, NetworkFaults, Party, Turn
from engine.telephony.simulated.listening import greeting_end_s, judge
from engine.telephony.simulated.recorder import SimulatedRecording
from engine.telephony.simulated.witness import Witness

UNACKED_S = 32.0
"""A 200 without ACK is repeated for so long, then BYE follows (RFC 3261 §13.3.1.4)."""
SILENCE_S = 15.0
"""A person who suddenly hears nobody hangs up after so long."""
GOODBYE_S = 8.0
"""A customer who has said goodbye waits so long for the agent to hang up."""
STRAY_S = 0.5
"""A repeated 200 reaches a new life of the engine within so long (RFC 3261 §13.3.1.4, T1)."""


class Handle(Protocol):
    """A call that has not happened yet."""

    def cancel(self) -> None:
        """Make it never happen."""
        ...


class Clock(Protocol):
    """What the simulated world needs of a scheduler."""

    def now_s(self) -> float:
        """Return the instant. [s since the Unix epoch]"""
        ...

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call after what runs now."""
        ...

    def call_later(self, delay_s: float, function: Callable[[], None]) -> Handle:
        """Call after a delay. [s]"""
        ...


class Caller(Protocol):
    """Our end of a leg: takes responses and requests of the far end, one latency later."""

    def on_ringing(self, leg_id: LegId) -> None:
        """Take a 180 or 183."""
        ...

    def on_answer(self, leg_id: LegId) -> None:
        """Take the 200 to the INVITE."""
        ...

    def on_refusal(self, leg_id: LegId, status: int, retry_after_s: float) -> None:
        """Take a final status from 300 on."""
        ...

    def on_bye(self, leg_id: LegId) -> None:
        """Take the far end's BYE."""
        ...


class Stage(Enum):
    """Where the far end of a leg stands."""

    CALLED = "called"
    UP = "up"
    OVER = "over"


class FarLeg:
    """The far end of one leg.

    Attributes:
        leg_id: The leg.
        caller: Who called; of a dead life it hears nothing.
        agent_id: The agent whose phone it is; None: a customer.
        fate: What it comes to if nobody interferes.
        latency_s: One way. [s]
        stage: Where it stands.
        up_s: When it answered. [s since the epoch]
        acked: Whether our end knows of the answer.
        greeted: Whether somebody has spoken to the party.
        unwanted: Whether a later life has asked for its end.
    """

    __slots__ = (
        "acked",
        "agent_id",
        "caller",
        "fate",
        "greeted",
        "latency_s",
        "leg_id",
        "plan",
        "stage",
        "unwanted",
        "up_s",
    )

    def __init__(
        self, leg_id: LegId, caller: Caller, agent_id: AgentId | None, fate: Fate, latency_s: float
    ) -> None:
        self.leg_id = leg_id
        self.caller = caller
        self.agent_id = agent_id
        self.fate = fate
        self.latency_s = latency_s
        self.stage = Stage.CALLED
        self.up_s = 0.0
        self.acked = False
        self.greeted = False
        self.unwanted = False
        self.plan: Handle | None = None


class Network:
    """Everything beyond our own socket.

    Args:
        clock: Virtual time.
        seed: Seed of the world: each number's and each phone's luck follows from it.
        model: The law of called parties.
        witness: Writes down what passes.
        faults: What goes wrong.
        on_goodbye: Told when a customer has said goodbye and waits for the agent to hang up.
    """

    def __init__(
        self,
        clock: Clock,
        seed: int,
        model: CarrierModel,
        witness: Witness,
        faults: NetworkFaults | None = None,
        on_goodbye: Callable[[AgentId], None] = lambda _: None,
    ) -> None:
        self.clock = clock
        self.model = model
        self.witness = witness
        self.faults = faults or NetworkFaults()
        self.random = Random(f"{seed} network")  # noqa: S311 - a simulation
        self._seed = seed
        self._on_goodbye = on_goodbye
        self._parties: dict[str, Party] = {}
        self._legs: dict[LegId, FarLeg] = {}
        self._hears: dict[LegId, tuple[LegId, ...]] = {}
        self.recordings: dict[RecordingId, SimulatedRecording] = {}

    @property
    def open_calls(self) -> int:
        """Customers' legs whose far end is not over."""
        return sum(leg.agent_id is None for leg in self._legs.values())

    def is_dark(self, trunk_id: str) -> bool:
        """Say whether nothing comes back over a trunk now."""
        window = self.faults.window(trunk_id, self.clock.now_s())
        return window is not None and window.dark

    # --- requests of ours ----------------------------------------------------------------------

    def invite_party(self, leg_id: LegId, number: str, trunk_id: str, caller: Caller) -> None:
        """Take an INVITE to a telephone number."""
        party = self._parties.get(number)
        if party is None:
            party = self._parties[number] = Party(self._seed, number, self.model)
        self._begin(leg_id, caller, None, self._hindered(party.draw(), trunk_id))

    def invite_phone(self, leg_id: LegId, agent_id: AgentId, caller: Caller) -> None:
        """Take an INVITE to an agent's phone, which answers soon."""
        after_s = self.random.uniform(*self.model.phone_answer_s)
        self._begin(leg_id, caller, agent_id, Fate(Turn.ANSWERED, after_s, after_s / 4.0))

    def cancel(self, leg_id: LegId) -> bool:
        """Take a CANCEL; return whether the INVITE gets an answer of any kind."""
        leg = self._legs.get(leg_id)
        if leg is None or leg.stage is not Stage.CALLED:
            return leg is not None
        if leg.fate.turn is Turn.SILENT:
            return False
        self.witness.note("cancel", leg=leg_id)
        self.clock.call_later(leg.latency_s, lambda: self._cancelled(leg))
        return True

    def ack(self, leg_id: LegId) -> None:
        """Take the ACK of an answer."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.acked = True
            self._plan_end(leg)

    def bye(self, leg_id: LegId) -> None:
        """Take a BYE, one latency after it left."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self.clock.call_later(leg.latency_s, lambda: self._end(leg, "bye"))

    def give_up(self, leg_id: LegId) -> None:
        """Note that our end no longer waits for a response."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._end(leg, "lost")

    def end_old(self, leg_id: LegId, *, answered: bool) -> None:
        """Take CANCEL or BYE for a leg of an earlier life.

        Args:
            leg_id: The leg.
            answered: Whether that life knew of an answer, and so has a dialog for BYE.
        """
        leg = self._legs.get(leg_id)
        if leg is None:
            return
        leg.unwanted = True
        if answered:
            self.bye(leg_id)
        elif leg.stage is Stage.UP:
            self._end_stray(leg)
        elif not self.cancel(leg_id):
            self._end(leg, "lost")

    def set_mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Take who hears whom."""
        changed = {
            listener: sources
            for listener, sources in rows.items()
            if self._hears.get(listener, ()) != sources
        }
        if not changed:
            return
        self._hears.update(changed)
        self.witness.note("mix", rows={leg: list(sources) for leg, sources in changed.items()})
        for listener, sources in changed.items():
            leg = self._legs.get(listener)
            if leg is not None and leg.agent_id is None and sources and not leg.greeted:
                leg.greeted = True
                self._plan_end(leg)

    def hears(self, leg_id: LegId) -> tuple[LegId, ...]:
        """Return whom a leg hears."""
        return self._hears.get(leg_id, ())

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> tuple[Verdict, float, str] | None:
        """Return the verdict on a leg, the time to it and its reason; None: the leg is over."""
        leg = self._legs.get(leg_id)
        if leg is None or leg.stage is not Stage.UP:
            return None
        if leg.fate.kind is Verdict.PERSON:
            spoken_s = greeting_end_s(self.model.analysis, self._luck(leg_id))
            self.witness.note("greeting", leg=leg_id, ends_s=self.clock.now_s() + spoken_s)
        if self.is_deaf(leg_id, "greetings"):
            return None
        return judge(leg.fate.kind, spec, self.model.analysis, self._luck(leg_id))

    def _luck(self, leg_id: LegId) -> Random:
        """Return the luck of a leg under analysis; the same each time."""
        return Random(f"{self._seed} {leg_id} analysis")  # noqa: S311 - a simulation

    def is_deaf(self, leg_id: LegId, to: str) -> bool:
        """Say whether media never tells what it hears on a leg, of a greeting or of a tone."""
        luck = Random(f"{self._seed} {leg_id} deaf {to}")  # noqa: S311 - a simulation
        deaf = bool(self.faults.deaf_ratio) and luck.random() < self.faults.deaf_ratio
        if deaf:
            self.witness.note("deaf", leg=leg_id)
        return deaf

    def hear_prompt(self, leg_id: LegId) -> tuple[float, str] | None:
        """Play something to a leg; return after what time a person presses which key, if any."""
        leg = self._legs.get(leg_id)
        if leg is None or leg.agent_id is not None:
            return None
        self.witness.note("prompt", leg=leg_id)
        ratio = self.model.press_ratio
        if not ratio or leg.fate.kind is not Verdict.PERSON or self.random.random() >= ratio:
            return None
        return self.random.uniform(0.5, 8.0), self.random.choice(self.model.press_keys)

    def beep_after_s(self, leg_id: LegId) -> float | None:
        """Return the time until a machine's tone is over, None if none is still to come. [s]"""
        leg = self._legs.get(leg_id)
        if leg is None or leg.stage is not Stage.UP or leg.fate.beep_s < 0.0:
            return None
        wait_s = leg.up_s + leg.fate.beep_s - self.clock.now_s()
        return wait_s if wait_s > 0.0 else None

    def silence(self) -> None:
        """Take the death of an engine: nobody hears anybody, and people hang up by and by."""
        self._hears.clear()
        for leg in list(self._legs.values()):
            if leg.stage is Stage.UP:
                wait_s = SILENCE_S if leg.acked else UNACKED_S
                self._replan(leg, self.random.uniform(0.7, 1.0) * wait_s, "hung-up")

    # --- what the far end does -----------------------------------------------------------------

    def _hindered(self, fate: Fate, trunk_id: str) -> Fate:
        faults = self.faults
        window = faults.window(trunk_id, self.clock.now_s())
        if window is not None:
            if window.dark:
                return Fate(Turn.SILENT)
            wait_s = self.random.choice((0.0, 2.0, 10.0))
            return Fate(Turn.REFUSED, 0.02, status=503, retry_after_s=wait_s)
        if faults.silent_ratio and self.random.random() < faults.silent_ratio:
            return Fate(Turn.SILENT)
        return fate

    def _begin(self, leg_id: LegId, caller: Caller, agent_id: AgentId | None, fate: Fate) -> None:
        latency_s = self.random.uniform(*self.model.latency_s)
        leg = self._legs[leg_id] = FarLeg(leg_id, caller, agent_id, fate, latency_s)
        if fate.rings_s >= 0.0:
            self.clock.call_later(latency_s + fate.rings_s, lambda: self._ring(leg))
        if fate.turn in {Turn.ANSWERED, Turn.REFUSED}:
            self._replan(leg, latency_s + fate.after_s, "")

    def _ring(self, leg: FarLeg) -> None:
        if leg.stage is not Stage.CALLED:
            return
        self.witness.note("ringing", leg=leg.leg_id)
        self._say(leg, lambda: leg.caller.on_ringing(leg.leg_id))
        ratio = self.faults.repeated_ringing_ratio
        if ratio and self.random.random() < ratio:
            self.clock.call_later(self.random.uniform(0.001, 3.0), lambda: self._ring(leg))

    def _turn(self, leg: FarLeg) -> None:
        """Do what the fate says comes at the end of the INVITE."""
        if leg.fate.turn is Turn.ANSWERED:
            self._answer(leg)
        else:
            fate = leg.fate
            self._end(leg, "refused", fate.status)
            self._say(
                leg, lambda: leg.caller.on_refusal(leg.leg_id, fate.status, fate.retry_after_s)
            )

    def _answer(self, leg: FarLeg) -> None:
        leg.stage, leg.up_s = Stage.UP, self.clock.now_s()
        if leg.fate.kind is Verdict.PERSON:
            self.witness.note("answer", leg=leg.leg_id)
        else:
            self.witness.note("answer", leg=leg.leg_id, by=leg.fate.kind.value)
        self._replan(leg, UNACKED_S, "hung-up")
        if leg.unwanted:
            self._end_stray(leg)
        self._say(leg, lambda: leg.caller.on_answer(leg.leg_id))

    def _end_stray(self, leg: FarLeg) -> None:
        """End what a CANCEL came too late for: a repeated 200 is answered by ACK and BYE."""
        delay_s = self.random.uniform(0.0, STRAY_S)
        self.clock.call_later(delay_s, lambda: self._end(leg, "bye"))

    def _cancelled(self, leg: FarLeg) -> None:
        if leg.stage is not Stage.CALLED:
            return
        ratio = self.faults.crossing_ratio
        if ratio and self.random.random() < ratio:
            self._answer(leg)
            return
        self._end(leg, "cancelled", 487)
        self._say(leg, lambda: leg.caller.on_refusal(leg.leg_id, 487, 0.0))

    def _plan_end(self, leg: FarLeg) -> None:
        """Decide when this end hangs up, if ours does not."""
        if leg.agent_id is not None:
            if self.faults.phone_mean_s > 0.0:
                life_s = self.random.expovariate(1.0 / self.faults.phone_mean_s)
                self._replan(leg, life_s, "hung-up")
            elif leg.plan is not None:
                leg.plan.cancel()
        elif not leg.greeted:
            self._replan(leg, leg.fate.patience_s, "hung-up")
        elif leg.fate.customer_ends:
            self._replan(leg, leg.fate.talk_s, "hung-up")
        else:
            self._replan(leg, leg.fate.talk_s, "goodbye")

    def _replan(self, leg: FarLeg, delay_s: float, what: str) -> None:
        if leg.plan is not None:
            leg.plan.cancel()
        act = {"": self._turn, "goodbye": self._say_goodbye, "hung-up": self._hang_up}[what]
        leg.plan = self.clock.call_later(delay_s, lambda: act(leg))

    def _say_goodbye(self, leg: FarLeg) -> None:
        self._replan(leg, GOODBYE_S, "hung-up")
        for heard in self.hears(leg.leg_id):
            agent = self._legs.get(heard)
            if agent is not None and agent.agent_id is not None:
                self._on_goodbye(agent.agent_id)

    def _hang_up(self, leg: FarLeg) -> None:
        if leg.stage is not Stage.OVER:
            self._end(leg, "hung-up")
            self._say(leg, lambda: leg.caller.on_bye(leg.leg_id))

    def _end(self, leg: FarLeg, how: str, status: int = 0) -> None:
        if leg.stage is Stage.OVER:
            return
        leg.stage = Stage.OVER
        if leg.plan is not None:
            leg.plan.cancel()
        del self._legs[leg.leg_id]
        self._hears.pop(leg.leg_id, None)
        self.witness.note("end", leg=leg.leg_id, how=how, status=status)

    def _say(self, leg: FarLeg, message: Callable[[], None]) -> None:
        """Send to our end; one latency for all keeps the order of a leg's messages."""
        self.clock.call_later(leg.latency_s, message)
