"""A world of phones and agents, many replications side by side, fast enough for thousands of days.

Decisions are taken on a grid (1 s unless told); everything else happens at exact instants between:
answers, hang-ups, ends of talk and after-call work, the patience of callers. A row is one campaign
under one policy in one replication.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from benchmarks.pacing.draws import Floats, Ints, erlang, lognormal, uniforms

_NEVER = np.inf


@dataclass(frozen=True, slots=True)
class Scene:
    """What people and phones are like.

    Attributes:
        answer_p: Chance of a person's answer at an instant, given the base chance of rows.
        exponential: All times exponential, for comparison with the optimum.
        answer_mean_s: Mean time to a person's answer. [s]
        other_mean_s: Mean time to any other ending. [s]
        talk_mean_s: Mean talk. [s]
        talk_variation: Its standard deviation over its mean.
        acw_mean_s: Mean after-call work. [s]
        machine_p: Share of attempts that a machine answers.
        analysis_s: Least and most time of analysis; None: answers are not analysed. [s]
        machine_missed: Share of machines that analysis passes on to agents.
        person_lost: Share of persons that analysis takes for machines.
        thought_lost: Share by which the rule estimates them, for nobody knows who they were; None:
            each is known, and counts as unattended.
        staffed: Share of agents at work at an instant.
        patience_s: How long a call may wait for an agent. [s]
    """

    answer_p: Callable[[float, Floats], Floats] = lambda _now_s, base: base
    exponential: bool = False
    answer_mean_s: float = 7.0
    other_mean_s: float = 11.0
    talk_mean_s: float = 90.0
    talk_variation: float = 1.0
    acw_mean_s: float = 15.0
    machine_p: float = 0.0
    analysis_s: tuple[float, float] | None = None
    machine_missed: float = 0.0
    person_lost: float = 0.0
    thought_lost: float | None = None
    staffed: Callable[[float], float] = lambda _now_s: 1.0
    patience_s: float = 2.0


@dataclass(slots=True)
class Tally:
    """What was counted in each of R rows since the last reading, each column of shape (R,).

    Attributes:
        attempts: Attempts started.
        answered: Persons who answered, as the rule counts them.
        unattended: Of these, without an agent in time.
        cut_off: Of the persons who answered, those whom analysis took for machines.
        connected: Calls joined to an agent.
        busy_s: Agents' time in talk and after-call work. [s]
        staffed_s: Agents' time at work. [s]
        wait_s: Callers' time from verdict to agent, summed over connected calls. [s]
        idle_s: Agents' time from ready to call, summed over calls. [s]
        idle_bins: Agents' idle times in bins of 2 s, shape (R, 150).
    """

    attempts: Floats
    answered: Floats
    unattended: Floats
    cut_off: Floats
    connected: Floats
    busy_s: Floats
    staffed_s: Floats
    wait_s: Floats
    idle_s: Floats
    idle_bins: Floats

    @classmethod
    def zero(cls, rows: int) -> "Tally":
        """Give a tally with nothing counted."""
        columns = {part.name: np.zeros(rows) for part in fields(cls)}
        columns["idle_bins"] = np.zeros((rows, 150))
        return cls(**columns)


@dataclass(slots=True)
class Flying:
    """Attempts on their way, M of them, as flat columns."""

    row: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    began_s: Floats = field(default_factory=lambda: np.zeros(0))
    ends_s: Floats = field(default_factory=lambda: np.zeros(0))
    judged_s: Floats = field(default_factory=lambda: np.zeros(0))  # verdict; as ends_s if none
    asks: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    person: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    call: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def take(self, chosen: Ints) -> "Flying":
        """Pick some attempts."""
        return Flying(*(getattr(self, name)[chosen] for name in self.__slots__))

    def join(self, other: "Flying") -> "Flying":
        """Put others behind these."""
        return Flying(
            *(np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__slots__)
        )


class World:
    """R rows of agents, stepped together."""

    def __init__(self, scene: Scene, agents: Ints, base_p: Floats, seeds: Ints) -> None:
        """Start with every agent ready and no call.

        Args:
            scene: What people and phones are like, the same for all rows.
            agents: Agents of each row, shape (R,).
            base_p: Chance of an answer before the scene changes it, shape (R,).
            seeds: Replication of each row, shape (R,); equal seeds meet equal people.
        """
        self.scene, self.agents, self.seeds, self.base_p = scene, agents, seeds, base_p
        rows, most = len(seeds), int(agents.max())
        self.rows, self.now_s = rows, 0.0
        self.talk_began_s = np.full((rows, most), -_NEVER)
        self.talk_ends_s = np.full((rows, most), -_NEVER)
        self.acw_ends_s = np.zeros((rows, most))
        self.talking = np.zeros((rows, most), dtype=np.bool_)
        self.in_acw = np.zeros((rows, most), dtype=np.bool_)
        self._exists = np.arange(most)[None, :] < agents[:, None]
        self.away = ~self._exists
        self.flying, self.waiting = Flying(), Flying()
        self.dialed = np.zeros(rows, dtype=np.int64)
        self.tally = Tally.zero(rows)
        self.ended, self.verdicts = Flying(), Flying()
        self.talks_ended: tuple[Ints, Floats] = (self.dialed[:0], np.zeros(0))
        self.acws_ended: tuple[Ints, Floats] = (self.dialed[:0], np.zeros(0))
        self.new_answers = np.zeros(rows, dtype=np.int64)
        self.new_unattended = np.zeros(rows, dtype=np.int64)
        self._count()

    def _count(self) -> None:
        """Count once what every policy asks for at this instant."""
        answered = self.flying.ends_s <= self.now_s
        self.ringing = np.bincount(self.flying.row[~answered], minlength=self.rows)
        self.analysing = np.bincount(self.flying.row[answered], minlength=self.rows)
        self.queued = np.bincount(self.waiting.row, minlength=self.rows)
        self.in_talk = self.talking.sum(axis=1)
        self.at_work = (~self.away).sum(axis=1)
        self.ready = self.at_work - self.in_talk - self.in_acw.sum(axis=1)

    def advance(self, to_s: float) -> None:
        """Let everything happen up to an instant, each thing at its own time.

        Args:
            to_s: The next instant of decisions. [s]
        """
        self.tally.staffed_s += (~self.away).sum(axis=1) * (to_s - self.now_s)
        self.new_answers[:] = 0
        self.new_unattended[:] = 0
        self._free_agents(to_s)
        self._end_attempts(to_s)
        self.now_s = to_s
        self._connect(to_s)
        self._staff(to_s)
        self._count()

    def dial(self, calls: Ints) -> None:
        """Start attempts.

        Args:
            calls: How many in each row, shape (R,). [calls]
        """
        if not calls.any():
            return
        row = np.repeat(np.arange(self.rows), calls)
        first = np.repeat(np.cumsum(calls) - calls, calls)
        index = self.dialed[row] + np.arange(len(row)) - first
        self.dialed += calls
        self.tally.attempts += calls
        self.flying = self.flying.join(self._attempts(row, index))

    def _attempts(self, row: Ints, index: Ints) -> Flying:
        """Say what becomes of attempts."""
        scene, now_s = self.scene, self.now_s
        luck = uniforms(self.seeds[row], index, 0, 10)
        person = luck[0] < scene.answer_p(now_s, self.base_p)[row]
        machine = ~person & (luck[0] > 1.0 - scene.machine_p)
        if scene.exponential:
            answer_s = erlang(luck[2:3], scene.answer_mean_s)
            other_s = erlang(luck[6:7], scene.other_mean_s)
        else:
            answer_s = erlang(luck[2:6], scene.answer_mean_s)
            other_s = self._other_s(luck[6:9])
        ends_s = now_s + np.where(person | machine, answer_s, other_s)
        asks, judged_s = person.copy(), ends_s.copy()
        if scene.analysis_s is not None:
            least, most = scene.analysis_s
            verdict = luck[9]
            asks = (person & (verdict >= scene.person_lost)) | (
                machine & (verdict < scene.machine_missed)
            )
            taken_s = least + (most - least) * luck[1]
            judged_s = np.where(person | machine, ends_s + taken_s, ends_s)
        elif scene.machine_p:
            asks = person | machine
        return Flying(
            row, np.full(len(row), now_s), ends_s, judged_s,
            asks.astype(np.int64), person.astype(np.int64), index,
        )  # fmt: skip

    def _other_s(self, luck: Floats) -> Floats:
        """Busy and failures come early, no answer at 22 s: mean 11 s in all."""
        scale = self.scene.other_mean_s / 11.0
        early_s = np.minimum(erlang(luck[1:], 4.9 * scale), 22.0 * scale)
        return np.where(luck[0] < 0.358, 22.0 * scale, early_s)

    def _free_agents(self, to_s: float) -> None:
        done = self.talking & (self.talk_ends_s <= to_s)
        row, agent = np.nonzero(done)
        self.talks_ended = (row, self.talk_ends_s[row, agent] - self.talk_began_s[row, agent])
        self.talking[row, agent] = False
        self.in_acw[row, agent] = True
        over = self.in_acw & (self.acw_ends_s <= to_s)
        row, agent = np.nonzero(over)
        self.acws_ended = (row, self.acw_ends_s[row, agent] - self.talk_ends_s[row, agent])
        self.in_acw[row, agent] = False

    def _end_attempts(self, to_s: float) -> None:
        due = self.flying.judged_s <= to_s
        self.ended = self.flying.take(np.flatnonzero(due))
        self.flying = self.flying.take(np.flatnonzero(~due))
        asking = self.ended.take(np.flatnonzero(self.ended.asks))
        persons = self.ended.row[self.ended.person > 0]
        counts = np.bincount(persons, minlength=self.rows)
        lost = self.ended.row[(self.ended.person > 0) & (self.ended.asks == 0)]
        cut_off = np.bincount(lost, minlength=self.rows)
        self.tally.cut_off += cut_off
        if self.scene.thought_lost is None:
            self._lose(lost)  # a person taken for a machine is unattended
        else:
            counts -= cut_off
            self._suppose_lost(counts, self.scene.thought_lost)
        self.tally.answered += counts
        self.new_answers += counts
        self.waiting = self.waiting.join(asking)

    def _suppose_lost(self, passed: Ints, share: float) -> None:
        """Count persons as cut off, in both of the rule's numbers, for those passed on."""
        thought = passed * (share / (1.0 - share))
        self.tally.answered += thought
        self.tally.unattended += thought

    def _connect(self, to_s: float) -> None:
        """Join waiting calls, first come first served, to the agents longest ready."""
        calls = self.waiting
        if not len(calls.row):
            return
        order = np.lexsort((calls.judged_s, calls.row))
        calls = calls.take(order)
        starts = np.searchsorted(calls.row, np.arange(self.rows))
        rank = np.arange(len(calls.row)) - starts[calls.row]
        asked = np.unique(calls.row)
        free = ~(self.talking | self.in_acw | self.away)[asked]
        since = np.where(free, self.acw_ends_s[asked], _NEVER)
        by_age = np.argsort(since, axis=1, kind="stable")
        place = np.searchsorted(asked, calls.row)
        depth = np.minimum(rank, free.shape[1] - 1)
        agent = by_age[place, depth]
        ready_s = np.where(rank < free.sum(axis=1)[place], since[place, agent], _NEVER)
        fits = ready_s <= calls.judged_s + self.scene.patience_s
        self._talk(calls.take(np.flatnonzero(fits)), agent[fits], ready_s[fits])
        gone = ~fits & ((calls.judged_s + self.scene.patience_s <= to_s) | (ready_s < _NEVER))
        self._lose(calls.row[gone & (calls.person > 0)])
        self.waiting = calls.take(np.flatnonzero(~fits & ~gone))

    def _talk(self, calls: Flying, agent: Ints, ready_s: Floats) -> None:
        scene, row = self.scene, calls.row
        begins_s = np.maximum(calls.judged_s, ready_s)
        luck = uniforms(self.seeds[row], calls.call, 10, 4)
        if scene.exponential:
            talk_s, acw_s = erlang(luck[:1], scene.talk_mean_s), erlang(luck[2:3], scene.acw_mean_s)
        else:
            talk_s = lognormal(luck[:2], scene.talk_mean_s, scene.talk_variation)
            acw_s = erlang(luck[2:], scene.acw_mean_s)
        talk_s = np.where(calls.person > 0, talk_s, np.minimum(talk_s, 10.0))
        self.talking[row, agent] = True
        self.talk_began_s[row, agent] = begins_s
        self.talk_ends_s[row, agent] = begins_s + talk_s
        self.acw_ends_s[row, agent] = begins_s + talk_s + acw_s
        idle_s = begins_s - ready_s
        np.add.at(self.tally.connected, row, 1.0)
        np.add.at(self.tally.busy_s, row, talk_s + acw_s)
        np.add.at(self.tally.wait_s, row, begins_s - calls.judged_s)
        np.add.at(self.tally.idle_s, row, idle_s)
        np.add.at(self.tally.idle_bins, (row, np.minimum(idle_s / 2, 149).astype(np.int64)), 1.0)

    def _lose(self, row: Ints) -> None:
        counts = np.bincount(row, minlength=self.rows)
        self.tally.unattended += counts
        self.new_unattended += counts

    def _staff(self, to_s: float) -> None:
        """Send ready agents away, or fetch them back, until the share at work is as staffed."""
        wanted = np.round(self.scene.staffed(to_s) * self.agents).astype(np.int64)
        here = ~self.away
        short = wanted - here.sum(axis=1)
        if not short.any():
            return
        idle = here & ~(self.talking | self.in_acw)
        leave = idle & (np.cumsum(idle, axis=1) <= -short[:, None])
        absent = self.away & self._exists
        come = absent & (np.cumsum(absent, axis=1) <= short[:, None])
        self.away = (self.away | leave) & ~come
        self.acw_ends_s = np.where(come, to_s, self.acw_ends_s)
