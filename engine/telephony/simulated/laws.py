"""How called parties and carriers behave: shares, times, faults, and what a call comes to."""

import math
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from engine.domain.analysis import Verdict
from engine.domain.ids import TrunkId
from engine.telephony.simulated.listening import AnalysisLaw


@dataclass(frozen=True, slots=True)
class CarrierModel:
    """The law of the simulated world; shares in [0, 1], times in seconds.

    Attributes:
        answer_ratio: Share of calls to valid numbers that a person answers.
        busy_ratio: Share of the others that are busy (486).
        declined_ratio: Share of the others that hang up while it rings (480, 603).
        congested_ratio: Share of the others that the carrier refuses (503).
        invalid_ratio: Share of numbers that do not exist (404).
        machine_ratio: Share of the others that an answering machine takes,
        fax_ratio: a fax machine, and
        quiet_ratio: somebody or something that says nothing.
        early_media_ratio: Share of calls that ring by an early 183.
        answer_mean_s: INVITE to a person's answer, Erlang of order 2.
        other_mean_s: INVITE to a refusal after ringing, Erlang of order 2.
        talk_mean_s: Talk, lognormal, and
        talk_variation: its standard deviation over its mean.
        customer_ends_ratio: Share of talks that the customer hangs up; the agent does the others.
        press_ratio: Share of prompts on which a person presses a key, one of ``press_keys``.
        press_keys: Those keys.
        patience_mean_s: How long an answered person waits for anybody to speak, exponential.
        machine_rings_s: INVITE to the answer of a machine, least and most.
        message_s: How long a machine records after its greeting before it hangs up.
        analysis: What call progress analysis makes of them.
        phone_answer_s: Ring time of an agent's phone, least and most.
        latency_s: One way over the network, least and most.
    """

    answer_ratio: float = 0.3
    busy_ratio: float = 0.25
    declined_ratio: float = 0.30
    congested_ratio: float = 0.02
    invalid_ratio: float = 0.02
    machine_ratio: float = 0.0
    fax_ratio: float = 0.0
    quiet_ratio: float = 0.0
    early_media_ratio: float = 0.1
    answer_mean_s: float = 7.0
    other_mean_s: float = 11.0
    talk_mean_s: float = 90.0
    talk_variation: float = 1.0
    customer_ends_ratio: float = 0.7
    press_ratio: float = 0.0
    press_keys: str = "1259*"
    patience_mean_s: float = 12.0
    machine_rings_s: tuple[float, float] = (8.0, 22.0)
    message_s: float = 60.0
    analysis: AnalysisLaw = field(default_factory=AnalysisLaw)
    phone_answer_s: tuple[float, float] = (0.7, 1.3)
    latency_s: tuple[float, float] = (0.002, 0.006)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which a trunk is out of order. [s since the epoch]

    Attributes:
        trunk_id: The trunk.
        begins_s: Its beginning.
        ends_s: Its end, excluded.
        dark: True: no response to OPTIONS and INVITE; False: 503 to every INVITE.
    """

    trunk_id: TrunkId
    begins_s: float
    ends_s: float
    dark: bool


@dataclass(frozen=True, slots=True)
class NetworkFaults:
    """What goes wrong on the wire; nothing by default.

    Attributes:
        windows: When trunks are out of order.
        silent_ratio: Share of INVITEs to which no response ever comes.
        repeated_ringing_ratio: Share of calls whose 180 comes several times.
        crossing_ratio: Share of CANCELs that a 200 crosses.
        deaf_ratio: Share of analyses, and of waits for a tone, of which nothing is heard again.
        phone_mean_s: Mean life of an agent's leg until the phone drops it; 0: for ever. [s]
        departure_s: Longest time from the command to the INVITE on the wire. [s]
        most_legs: Places in the media switch, 0: any number. [legs]
    """

    windows: tuple[Window, ...] = ()
    silent_ratio: float = 0.0
    repeated_ringing_ratio: float = 0.0
    crossing_ratio: float = 0.0
    deaf_ratio: float = 0.0
    phone_mean_s: float = 0.0
    departure_s: float = 0.0
    most_legs: int = 0

    def window(self, trunk_id: str, now_s: float) -> Window | None:
        """Return what is wrong with a trunk now, if anything is."""
        for window in self.windows:
            if window.trunk_id == trunk_id and window.begins_s <= now_s < window.ends_s:
                return window
        return None


class Turn(Enum):
    """How the far end ends an INVITE."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    """It rings until it is cancelled."""
    SILENT = "silent"
    """No response at all."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What one call will come to if nobody interferes.

    Attributes:
        turn: How the INVITE ends.
        after_s: INVITE to that end. [s]
        rings_s: INVITE to the first 180 or 183; negative: it never rings. [s]
        status: Final status of a refusal.
        retry_after_s: Retry-After of a 503, else 0. [s]
        talk_s: Talk, once an agent is there. [s]
        customer_ends: Whether the customer hangs up after that.
        patience_s: Answer to hang-up if nobody speaks. [s]
        kind: Who answers: ``PERSON``, ``MACHINE``, ``FAX`` or ``SILENCE``.
        beep_s: Answer to the end of a machine's tone; negative: there is none. [s]
    """

    turn: Turn
    after_s: float = 0.0
    rings_s: float = -1.0
    status: int = 0
    retry_after_s: float = 0.0
    talk_s: float = 0.0
    customer_ends: bool = True
    patience_s: float = 4.0
    kind: Verdict = Verdict.PERSON
    beep_s: float = -1.0


class Party:
    """One telephone number and who may answer it; its luck is its own, whoever calls when.

    Args:
        seed: Seed of the world.
        number: The number.
        model: The law.
    """

    __slots__ = ("_invalid", "_model", "_random")

    def __init__(self, seed: int, number: str, model: CarrierModel) -> None:
        self._model = model
        self._random = Random(f"{seed} {number}")  # noqa: S311 - a simulation
        self._invalid = self._random.random() < model.invalid_ratio

    def draw(self) -> Fate:
        """Return what the next call to the number comes to."""
        model, random = self._model, self._random
        if self._invalid:
            return Fate(Turn.REFUSED, random.uniform(0.2, 1.5), status=404)
        if random.random() < model.answer_ratio:
            return self._answer()
        luck = random.random()
        if luck < model.busy_ratio:
            return Fate(Turn.REFUSED, random.uniform(0.5, 4.0), status=486)
        luck -= model.busy_ratio
        if luck < model.congested_ratio:
            wait_s = random.choice((0.0, 0.0, 5.0))
            return Fate(Turn.REFUSED, random.uniform(0.05, 0.5), status=503, retry_after_s=wait_s)
        rings_s = random.uniform(0.2, 1.5)
        luck -= model.congested_ratio
        if luck < model.declined_ratio:
            after_s = rings_s + random.gammavariate(2.0, model.other_mean_s / 2.0)
            return Fate(Turn.REFUSED, after_s, rings_s, status=random.choice((480, 480, 603)))
        return self._answer_by_no_person(luck - model.declined_ratio, rings_s)

    def _answer_by_no_person(self, luck: float, rings_s: float) -> Fate:
        model, random = self._model, self._random
        if luck < model.machine_ratio:
            return self._machine(rings_s)
        luck -= model.machine_ratio
        if luck < model.fax_ratio:
            kind, patience_s = Verdict.FAX, random.uniform(25.0, 45.0)  # T.30 T1 is 35 s
        elif luck - model.fax_ratio < model.quiet_ratio:
            kind, patience_s = Verdict.SILENCE, 4.0 + random.expovariate(1.0 / 10.0)
        else:
            return Fate(Turn.UNANSWERED, rings_s=rings_s)
        after_s = rings_s + random.gammavariate(2.0, model.answer_mean_s / 2.0)
        return Fate(Turn.ANSWERED, after_s, rings_s, talk_s=5.0, patience_s=patience_s, kind=kind)

    def _machine(self, rings_s: float) -> Fate:
        model, random = self._model, self._random
        greeting_s = random.uniform(*model.analysis.machine_greeting_s)
        has_beep = random.random() < model.analysis.beep_ratio
        return Fate(
            Turn.ANSWERED,
            random.uniform(*model.machine_rings_s),
            rings_s,
            talk_s=random.uniform(2.0, 8.0),
            customer_ends=False,
            patience_s=greeting_s + model.message_s,
            kind=Verdict.MACHINE,
            beep_s=greeting_s if has_beep else -1.0,
        )

    def _answer(self) -> Fate:
        model, random = self._model, self._random
        after_s = random.gammavariate(2.0, model.answer_mean_s / 2.0)
        spread = math.log1p(model.talk_variation**2)
        middle = math.log(model.talk_mean_s) - spread / 2.0
        return Fate(
            Turn.ANSWERED,
            after_s,
            min(random.uniform(0.2, 1.5), after_s / 2.0),
            talk_s=random.lognormvariate(middle, math.sqrt(spread)),
            customer_ends=random.random() < model.customer_ends_ratio,
            patience_s=2.0 + random.expovariate(1.0 / model.patience_mean_s),
        )


def draw_windows(
    random: Random, trunks: tuple[TrunkId, ...], begins_s: float, ends_s: float
) -> tuple[Window, ...]:
    """Return one 503 storm and one dark stretch for each trunk, somewhere in a stretch of time."""
    windows = []
    for trunk_id in trunks:
        for dark in (False, True):
            at_s = random.uniform(begins_s, ends_s)
            lasts_s = random.uniform(20.0, 100.0) if dark else random.uniform(5.0, 60.0)
            windows.append(Window(trunk_id, at_s, at_s + lasts_s, dark))
    return tuple(windows)
