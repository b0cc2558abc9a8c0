"""Where the laws of all campaigns are kept between ticks, and what stands there at first."""

from dataclasses import dataclass, fields

import numpy as np

from engine.pacing.grid import AGES, POINTS, POINTS_S, SPANS, Floats, Ints, Singles
from engine.pacing.laws import (
    acw_free_table,
    answer_weights,
    answered_by_point,
    gain_after_age,
    left_after_age,
    talk_free_table,
)
from engine.pacing.risk import normal_cdf


@dataclass(slots=True)
class Tables:
    """The laws of C campaigns as columns, filled some rows at a time; columns as in ``Laws``."""

    weights: Floats
    new_gain: Floats
    gain: Singles
    answer_left: Floats
    other_left: Floats
    talk_free: Singles
    acw_free: Singles

    @classmethod
    def empty(cls, campaigns: int) -> "Tables":
        """Make room.

        Args:
            campaigns: How many rows, C.

        Returns:
            Tables of nothing.
        """
        return cls(
            weights=np.zeros((campaigns, POINTS)),
            new_gain=np.zeros((campaigns, POINTS)),
            gain=np.zeros((campaigns, AGES, POINTS), dtype=np.float32),
            answer_left=np.ones((campaigns, AGES)),
            other_left=np.ones((campaigns, AGES)),
            talk_free=np.zeros((campaigns, SPANS, POINTS), dtype=np.float32),
            acw_free=np.zeros((campaigns, SPANS, POINTS), dtype=np.float32),
        )

    def fill(
        self,
        rows: Ints,
        answer: Floats,
        other: Floats,
        talk: Floats,
        acw: Floats,
        delay_s: Floats,
    ) -> None:
        """Read the laws of some rows.

        Args:
            rows: Campaigns, shape (M,).
            answer: Share answered by each ring edge, shape (M, RINGS + 1).
            other: Share otherwise ended by each ring edge, shape (M, RINGS + 1).
            talk: Share of talks ended by each span edge, shape (M, SPANS + 1).
            acw: Share of after-call work ended by each span edge, shape (M, SPANS + 1).
            delay_s: From an answer to when its agent is needed at last, shape (M,). [s]
        """
        need_s = POINTS_S[None, :] + delay_s[:, None]
        self.weights[rows] = answer_weights(answer)
        self.new_gain[rows] = answered_by_point(answer)
        self.gain[rows] = gain_after_age(answer)
        self.answer_left[rows] = left_after_age(answer)
        self.other_left[rows] = left_after_age(other)
        self.talk_free[rows] = talk_free_table(talk, acw, need_s)
        self.acw_free[rows] = acw_free_table(acw, need_s)

    def copy_rows(self, other: "Tables", campaigns: int) -> None:
        """Take over the first rows of other tables.

        Args:
            other: Where from.
            campaigns: How many rows.
        """
        for column in fields(self):
            getattr(self, column.name)[:campaigns] = getattr(other, column.name)[:campaigns]


def lognormal_counts(edges_s: Floats, mean_s: float, variation: float, samples: float) -> Floats:
    """Spread samples over bins as a lognormal law would.

    Args:
        edges_s: Edges of the bins, shape (B + 1,). [s]
        mean_s: Mean of the law. [s]
        variation: Its standard deviation over its mean.
        samples: How many samples the counts stand for.

    Returns:
        Counts, shape (B,).
    """
    spread = np.sqrt(np.log1p(variation * variation))
    middle = np.log(mean_s) - spread * spread / 2
    scores = (np.log(np.maximum(edges_s, 1e-9)) - middle) / spread
    shares = np.diff(normal_cdf(scores))
    return np.asarray(samples * shares / shares.sum())
