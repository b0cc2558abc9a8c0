"""Our rule with knowledge that nobody has: what is left above the rule is information.

One oracle knows when each busy agent will be free, the other which attempts in flight will ask for
an agent, and when. All else is as in the core, price and budget included.
"""

import numpy as np

from benchmarks.pacing.draws import Floats, Ints
from benchmarks.pacing.policies import Ours
from benchmarks.pacing.world import World
from engine.pacing import Laws, Prices, Snapshot
from engine.pacing.grid import POINTS, POINTS_S, count_in_bins
from engine.pacing.outlook import Outlook, look_ahead
from engine.pacing.pace import feared
from engine.pacing.risk import SpareCells, Trials, largest_exactly, spare_distribution

_ROOM = 400


class KnowsEnds(Ours):
    """Knows when each busy agent will be free."""

    def _decide(self, world: World, seen: Snapshot) -> Ints:
        laws, prices = self._tick(world, seen)
        outlook = look_ahead(seen, laws, np.arange(len(self.rows)))
        free_s = world.acw_ends_s[self.rows] - world.now_s - world.scene.patience_s
        busy = (world.talking | world.in_acw)[self.rows]
        # A known end is a chance of 0 or 1.
        ends = (free_s[:, :, None] <= POINTS_S).astype(np.float32)
        freed = Trials(busy.astype(np.float64), ends)
        cells = spare_distribution(seen.ready - seen.queued, freed, outlook.asked_trials)
        return _largest(cells, outlook, prices, laws, seen)

    def _tick(self, world: World, seen: Snapshot) -> tuple[Laws, Prices]:
        self.learner.tick(world.now_s, seen.in_flight, seen.talking, seen.in_acw)
        laws = self.learner.laws()
        return laws, self.budgets.prices(world.now_s, feared(seen, laws), laws.warm)


class KnowsOutcomes(KnowsEnds):
    """Knows which attempts in flight will ask for an agent, and when."""

    def _decide(self, world: World, seen: Snapshot) -> Ints:
        laws, prices = self._tick(world, seen)
        outlook = look_ahead(seen, laws, np.arange(len(self.rows)))
        cells = spare_distribution(
            seen.ready - seen.queued, outlook.freed_trials, _nothing(len(self.rows))
        )
        place = self._places(world)[world.flying.row]
        asks = (place >= 0) & (world.flying.asks > 0)
        due = np.searchsorted(POINTS_S, world.flying.judged_s[asks] - world.now_s)
        shape = (len(self.rows), POINTS + 1)
        counted = count_in_bins(place[asks], due, None, shape)[:, :POINTS]
        asked = np.cumsum(counted, axis=1).astype(np.int64)
        return _largest(shifted(cells, -asked), outlook, prices, laws, seen)


def shifted(cells: SpareCells, by: Ints) -> SpareCells:
    """Move distributions of spare agents by known numbers.

    Args:
        cells: Distributions of C campaigns at K points.
        by: Agents more (or less) at each point, shape (C, K).

    Returns:
        Distributions on wider cells.
    """
    down, up = max(0, -int(by.min(initial=0))), max(0, int(by.max(initial=0)))
    size = cells.shares.shape[2]
    source = np.arange(size + down + up)[None, None, :] - down - by[:, :, None]
    inside = (source >= 0) & (source < size)
    taken = np.take_along_axis(cells.shares, np.clip(source, 0, size - 1), axis=2)
    return SpareCells(np.where(inside, taken, 0.0), cells.below + down)


def _largest(
    cells: SpareCells, outlook: Outlook, prices: Prices, laws: Laws, seen: Snapshot
) -> Ints:
    """Start the most under the risk; without budget an agent for each call."""
    room = np.full(len(prices.tau), _ROOM)
    ahead = largest_exactly(cells, outlook.new_chance, outlook.weights, prices.tau, room)
    in_progress = (seen.in_flight.sum(axis=1) + seen.analysing + seen.queued).astype(np.int64)
    reserved = np.maximum(seen.ready - in_progress, 0)
    most = np.where(laws.warm & ~prices.spent, np.maximum(ahead, reserved), reserved)
    return np.asarray(most, dtype=np.int64)


def _nothing(rows: int) -> Trials:
    empty: Floats = np.zeros((rows, 1))
    return Trials(empty, np.zeros((rows, 1, POINTS), dtype=np.float32))
