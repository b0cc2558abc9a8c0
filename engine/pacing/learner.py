"""What each campaign has seen: how many attempts are answered, how long everything takes.

Histograms forget: beyond a few thousand samples old ones fade. The chance of an answer is followed
at two speeds; the slow estimate holds until the fast one differs by more than chance explains. Laws
are read off the histograms again every minute or so, some rows each tick.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import (
    RING_EDGES_S,
    RINGS,
    SPAN_EDGES_S,
    SPANS,
    Bools,
    Floats,
    Ints,
    add_at,
    ring_bin,
    span_bin,
)
from engine.pacing.laws import Laws, life_table
from engine.pacing.tables import Tables, lognormal_counts

FAST_HALF_LIFE_S, SLOW_HALF_LIFE_S = 240.0, 3600.0
SWITCH_ERRORS = 3.0
PATIENCE_S = 2.0  # until ``set_patience``
WARM_ANSWERS = 20.0
REBUILD_S = 60.0
_REMEMBERED = 3000.0
_PRIOR_ATTEMPTS = 36.0
_PRIOR_SAMPLES = 30.0
_LIGHT = 0.3
_BY_SPEED = ("asked", "ended", "squares")
_HISTOGRAMS = ("answers", "others", "talks", "acws")


@dataclass(frozen=True, slots=True)
class Priors:
    """What is supposed of a campaign before it has seen anything, worth a few dozen attempts.

    Attributes:
        answer_p: Chance that an attempt asks for an agent, in (0, 1).
        answer_mean_s: Mean time from INVITE to a person's answer. [s]
        other_mean_s: Mean time from INVITE to any other ending. [s]
        talk_mean_s: Mean talk. [s]
        acw_mean_s: Mean after-call work. [s]
    """

    answer_p: float = 0.3
    answer_mean_s: float = 10.0
    other_mean_s: float = 18.0
    talk_mean_s: float = 90.0
    acw_mean_s: float = 15.0


class Learner:
    """Counts of C campaigns and the laws read off them; holds no clock and draws nothing."""

    def __init__(self, campaigns: int, priors: Priors | None = None) -> None:
        """Start every row from the same priors.

        Args:
            campaigns: How many rows, C.
            priors: What is supposed of a new campaign.
        """
        self.priors = priors or Priors()
        self._kept: dict[str, Floats] = {
            "answers": np.zeros((campaigns, RINGS)),
            "others": np.zeros((campaigns, RINGS)),
            "talks": np.zeros((campaigns, SPANS)),
            "acws": np.zeros((campaigns, SPANS)),
            "asked": np.zeros((2, campaigns)),  # fast, slow
            "ended": np.zeros((2, campaigns)),
            "squares": np.zeros((2, campaigns)),
            "seen": np.zeros(campaigns),
            "passed": np.zeros(campaigns),
            "judged": np.zeros(campaigns),
            "analysis_s": np.zeros(campaigns),
            "answer_p": np.full(campaigns, self.priors.answer_p),
            "answer_p_error": np.zeros(campaigns),
            "prior_p": np.full(campaigns, self.priors.answer_p),
            "patience_s": np.full(campaigns, PATIENCE_S),
        }
        self._tables = Tables.empty(campaigns)
        self._ticked_s = float("nan")
        self._next_row = 0.0
        self.clear(np.arange(campaigns))

    @property
    def campaigns(self) -> int:
        """How many rows there are."""
        return len(self._kept["seen"])

    def clear(self, rows: Ints) -> None:
        """Give rows to new campaigns, which start from the priors.

        Args:
            rows: Campaigns, shape (M,).
        """
        prior = self.priors
        fresh = {
            "answers": lognormal_counts(RING_EDGES_S, prior.answer_mean_s, 0.6, _PRIOR_SAMPLES),
            "others": lognormal_counts(RING_EDGES_S, prior.other_mean_s, 0.6, _PRIOR_SAMPLES),
            "talks": lognormal_counts(SPAN_EDGES_S, prior.talk_mean_s, 1.0, _PRIOR_SAMPLES),
            "acws": lognormal_counts(SPAN_EDGES_S, prior.acw_mean_s, 0.7, _PRIOR_SAMPLES),
            "answer_p": np.array(prior.answer_p),
            "prior_p": np.array(prior.answer_p),
            "patience_s": np.array(PATIENCE_S),
        }
        for name, column in self._kept.items():
            value = fresh.get(name, np.array(0.0))
            if name in _BY_SPEED:
                column[:, rows] = 0.0
            else:
                column[rows] = value
        self.rebuild(rows)

    def grown(self, campaigns: int) -> "Learner":
        """Make room for more campaigns.

        Args:
            campaigns: How many rows there are to be, at least as many as now.

        Returns:
            A learner whose first rows are as these, in the place of this one.
        """
        before, wider = self.campaigns, Learner(campaigns, self.priors)
        for name, column in wider._kept.items():
            column[(..., slice(before)) if name in _BY_SPEED else slice(before)] = self._kept[name]
        wider._tables.copy_rows(self._tables, before)
        wider._ticked_s = self._ticked_s
        return wider

    def set_patience(self, row: int, patience_s: float) -> None:
        """Say how long after its verdict a call may wait before it counts as unattended.

        Args:
            row: Campaign.
            patience_s: The rule's or the campaign's limit, at least 0. [s]
        """
        self._kept["patience_s"][row] = patience_s
        self.rebuild(np.array([row]))

    def begin_like(self, row: int, model: int) -> None:
        """Let a new campaign start from what another learned of the same list.

        Its laws are taken over; of its chance of an answer only the value, as a weak prior.

        Args:
            row: The new campaign.
            model: The campaign to start from.
        """
        self.clear(np.array([row]))
        for name in _HISTOGRAMS:
            counts = self._kept[name][model]
            self._kept[name][row] = counts * min(1.0, 10 * _PRIOR_SAMPLES / counts.sum())
        for name in ("answer_p", "prior_p"):
            self._kept[name][row] = self._kept["answer_p"][model]
        self.rebuild(np.array([row]))

    def attempt_answered(self, rows: Ints | int, ring_s: Floats | float) -> None:
        """Note answers that ask for an agent, with the time from INVITE to the answer.

        With call progress analysis this is told when the verdict is in; the time stays that of the
        answer.

        Args:
            rows: Campaigns, scalar or shape (M,).
            ring_s: From INVITE to the answer, likewise. [s]
        """
        add_at(self._kept["answers"], (rows, ring_bin(ring_s)), 1.0)
        self._note_outcome(rows, "asked")
        add_at(self._kept["seen"], (rows,), 1.0)

    def attempt_ended(self, rows: Ints | int, age_s: Floats | float) -> None:
        """Note attempts that ended in any other way: busy, no answer, machine, failure.

        Args:
            rows: Campaigns, scalar or shape (M,).
            age_s: From INVITE to the end (for a machine: to its answer), likewise. [s]
        """
        add_at(self._kept["others"], (rows, ring_bin(age_s)), 1.0)
        self._note_outcome(rows, "ended")

    def judged(self, rows: Ints | int, passed: Bools | bool, analysis_s: Floats | float) -> None:
        """Note verdicts of call progress analysis.

        Args:
            rows: Campaigns, scalar or shape (M,).
            passed: Whether the answer went on to ask for an agent, likewise.
            analysis_s: From answer to verdict, likewise. [s]
        """
        add_at(self._kept["judged"], (rows,), 1.0)
        add_at(self._kept["passed"], (rows,), np.asarray(passed, dtype=np.float64))
        add_at(self._kept["analysis_s"], (rows,), analysis_s)

    def talk_ended(self, rows: Ints | int, talk_s: Floats | float) -> None:
        """Note talks, hold included.

        Args:
            rows: Campaigns, scalar or shape (M,).
            talk_s: From connection to hang-up, likewise. [s]
        """
        add_at(self._kept["talks"], (rows, span_bin(np.asarray(talk_s))), 1.0)

    def acw_ended(self, rows: Ints | int, acw_s: Floats | float) -> None:
        """Note after-call work; also when there was none, as 0 s.

        Args:
            rows: Campaigns, scalar or shape (M,).
            acw_s: From hang-up to the agent's next state, likewise. [s]
        """
        add_at(self._kept["acws"], (rows, span_bin(np.asarray(acw_s))), 1.0)

    def tick(
        self,
        now_s: float,
        in_flight: Floats,
        talking: Floats | None = None,
        in_acw: Floats | None = None,
    ) -> None:
        """Let counts fade, estimate answers anew and rebuild the laws of some rows.

        Args:
            now_s: Engine time. [s]
            in_flight: Attempts not yet answered nor ended, by age, shape (C, A). [calls]
            talking: Agents in talk by time spent, shape (C, E). [agents]
            in_acw: Agents in after-call work by time spent, shape (C, E). [agents]
        """
        passed_s = max(now_s - self._ticked_s, 0.0) if self._ticked_s == self._ticked_s else 0.0
        self._ticked_s = now_s
        self._fade(passed_s)
        self._estimate(in_flight)
        first = int(self._next_row)
        self._next_row += self.campaigns * passed_s / REBUILD_S
        rows = np.arange(first, min(int(self._next_row), first + self.campaigns)) % self.campaigns
        if self._next_row >= self.campaigns:
            self._next_row %= self.campaigns
        if len(rows):
            self.rebuild(
                rows,
                None if talking is None else talking[rows],
                None if in_acw is None else in_acw[rows],
            )

    def rebuild(
        self, rows: Ints, talking: Floats | None = None, in_acw: Floats | None = None
    ) -> None:
        """Read the laws of some rows off their histograms.

        Args:
            rows: Campaigns, shape (M,).
            talking: Agents in talk by time spent, shape (M, E). [agents]
            in_acw: Agents in after-call work by time spent, shape (M, E). [agents]
        """
        for part in np.array_split(rows, max(1, len(rows) // 256)):
            where = np.searchsorted(rows, part) if len(part) < len(rows) else slice(None)
            self._forget(part)
            self._tables.fill(
                part,
                life_table(self._kept["answers"][part]),
                life_table(self._kept["others"][part]),
                life_table(self._kept["talks"][part], None if talking is None else talking[where]),
                life_table(self._kept["acws"][part], None if in_acw is None else in_acw[where]),
                self._analysis_s(part) + self._kept["patience_s"][part],
            )

    def laws(self) -> Laws:
        """Show what is learned, for ``decide``; a view, valid until the next tick.

        Returns:
            Laws of C campaigns.
        """
        kept, tables = self._kept, self._tables
        return Laws(
            answer_p=kept["answer_p"],
            answer_p_error=kept["answer_p_error"],
            pass_p=(kept["passed"] + 4.0) / (kept["judged"] + 5.0),
            warm=kept["seen"] >= WARM_ANSWERS,
            weights=tables.weights,
            new_gain=tables.new_gain,
            gain=tables.gain,
            answer_left=tables.answer_left,
            other_left=tables.other_left,
            talk_free=tables.talk_free,
            acw_free=tables.acw_free,
        )

    def to_bytes(self) -> bytes:
        """Pack the counts for the store; the laws follow from them.

        Returns:
            An npz archive.
        """
        packed = io.BytesIO()
        arrays: Mapping[str, Floats] = {**self._kept, "ticked_s": np.array(self._ticked_s)}
        np.savez(packed, **arrays)  # type: ignore[arg-type]  # the stub takes **kwds for allow_pickle
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes, priors: Priors | None = None) -> "Learner":
        """Take up what ``to_bytes`` packed.

        Args:
            packed: An npz archive.
            priors: What is supposed of campaigns still to come.

        Returns:
            A learner that goes on as the packed one would have.
        """
        with np.load(io.BytesIO(packed), allow_pickle=False) as parts:
            learner = cls(len(parts["seen"]), priors)
            learner._kept = {name: parts[name] for name in learner._kept}
            learner._ticked_s = float(parts["ticked_s"])
        learner.rebuild(np.arange(learner.campaigns))
        return learner

    def _note_outcome(self, rows: Ints | int, outcome: str) -> None:
        for speed in (0, 1):
            add_at(self._kept[outcome][speed], (rows,), 1.0)
            add_at(self._kept["squares"][speed], (rows,), 1.0)

    def _fade(self, passed_s: float) -> None:
        for speed, half_life_s in enumerate((FAST_HALF_LIFE_S, SLOW_HALF_LIFE_S)):
            keep = 0.5 ** (passed_s / half_life_s)
            self._kept["asked"][speed] *= keep
            self._kept["ended"][speed] *= keep
            self._kept["squares"][speed] *= keep * keep
        for name in ("judged", "passed", "analysis_s"):
            self._kept[name] *= 0.5 ** (passed_s / SLOW_HALF_LIFE_S)

    def _estimate(self, in_flight: Floats) -> None:
        """Estimate the chance of an answer at both speeds and choose between them.

        An attempt in flight counts with the chance that it will yet be answered, given its age: the
        expectation step for ends not seen yet; one step a tick follows the maximum.
        """
        kept, tables = self._kept, self._tables
        p = kept["answer_p"][:, None]
        hoped = p * tables.answer_left
        hopes = (in_flight * hoped / (hoped + (1 - p) * tables.other_left)).sum(axis=1)
        flying = in_flight.sum(axis=1)
        prior = _PRIOR_ATTEMPTS * kept["prior_p"]
        asked = kept["asked"] + hopes + prior
        total = kept["asked"] + kept["ended"] + flying + _PRIOR_ATTEMPTS
        both = np.clip(asked / total, 1e-4, 1 - 1e-4)
        settled = kept["asked"] + kept["ended"]
        weight = settled * settled / np.maximum(kept["squares"], 1e-9) + _PRIOR_ATTEMPTS
        errors = np.sqrt(both[1] * (1 - both[1]) / weight)
        moved = np.abs(both[0] - both[1]) > SWITCH_ERRORS * errors[0]
        # What was counted while the change went on is half old: it is kept, but lightly.
        for name, weight_kept in (("asked", _LIGHT), ("ended", _LIGHT), ("squares", _LIGHT**2)):
            kept[name][1] = np.where(moved, kept[name][0] * weight_kept, kept[name][1])
        kept["answer_p"] = np.where(moved, both[0], both[1])
        kept["prior_p"] = np.where(moved, both[0], kept["prior_p"])
        kept["answer_p_error"] = np.where(moved, errors[0], errors[1])

    def _forget(self, rows: Ints) -> None:
        for name in _HISTOGRAMS:
            counts = self._kept[name][rows]
            total = counts.sum(axis=1, keepdims=True)
            self._kept[name][rows] = counts * np.minimum(1.0, _REMEMBERED / np.maximum(total, 1e-9))

    def _analysis_s(self, rows: Ints) -> Floats:
        return np.asarray(
            self._kept["analysis_s"][rows] / np.maximum(self._kept["judged"][rows], 1e-9)
        )
