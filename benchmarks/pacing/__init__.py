"""How busy agents are kept, and how many answered calls find none: our rule against others."""

from collections.abc import Sequence

from benchmarks.harness import Figure
from benchmarks.pacing.arena import ENOUGH_ANSWERED, Course, Entrant, Score, play
from benchmarks.pacing.scenarios import REFERENCE_SHARES, STEADY
from benchmarks.pacing.tuning import MAKERS, Cell, grid, tuned

CAP = 0.03
SHORT_CELLS = [(agents, p) for agents in (5, 20, 100) for p in (0.1, 0.3)]
CELLS = [(agents, p) for agents in (5, 10, 20, 50, 100, 500) for p in (0.1, 0.3, 0.5)]
_RATIOS = ("ratio-ready", "ratio-agents")
_METHOD = (
    "event-driven arena, common random numbers, {days} days of {hours:g} h under a cap of 3 % "
    "a day, decisions every {step:g} s; 95 % interval +-{half:.2f}"
)


def run(short: bool) -> list[Figure]:
    """Play the steady cells.

    Args:
        short: N in 5, 20, 100 and p in 0.1, 0.3, four rules; else all cells and rules.

    Returns:
        Busy and unattended shares by cell and rule, in percent.
    """
    course = Course()
    cells = SHORT_CELLS if short else CELLS
    figures: list[Figure] = []
    for part in _batches(cells, short):
        figures += figures_of(play(STEADY, entrants(part, short), MAKERS, course), course)
    return figures


def entrants(cells: Sequence[Cell], short: bool) -> list[Entrant]:
    """Say which rules play in which cells.

    Args:
        cells: Agents and chance of an answer of each.
        short: The four rules of the short form.

    Returns:
        Entrants.
    """
    plain = ["progressive", "vicidial-hard", "ours"]
    searched = list(_RATIOS)
    if not short:
        plain += ["vicidial-average", "vicidial-tapered"]
        searched += ["mean", "vicidial-hard-tuned"]
    listed = []
    for cell in cells:
        listed += [Entrant(name, cell, _replications(name, cell, short)) for name in plain]
        for name in searched:
            listed += grid(name, cell, 8, 2)
    return listed


def figures_of(scores: Sequence[Score], course: Course) -> list[Figure]:
    """Turn scores into figures, tuned rules into one each.

    Args:
        scores: Scores of all entrants.
        course: How long was played.

    Returns:
        Figures named ``busy_share/N/p/policy``, ``busy_day/...`` and ``unattended/...`` in percent,
        ``days_over/...``, ``idle_mean/...`` and ``idle_p95/...`` (agents' waits for a call),
        ``caller_wait/...`` (callers' mean wait for an agent) and ``attempts_per_connect/...``.
        Tuned rules have the first and third alone.
    """
    figures: list[Figure] = []
    for cell in dict.fromkeys(score.entrant.cell for score in scores):
        here = [score for score in scores if score.entrant.cell == cell]
        for score in here:
            if score.entrant.name not in (*_RATIOS, "mean", "vicidial-hard-tuned"):
                figures += _pair(score, course)
        for name, parts in (
            ("tuned-ratio", _RATIOS),
            ("tuned-mean", ("mean",)),
            ("tuned-vicidial", ("vicidial-hard-tuned",)),
        ):
            found = [
                tuned([score for score in here if score.entrant.name == part], CAP)
                for part in parts
                if any(score.entrant.name == part for score in here)
            ]
            if found:
                figures += _tuned_pair(name, cell, *max(found))
    return figures


def _pair(score: Score, course: Course) -> list[Figure]:
    agents, p = score.entrant.cell
    where, name = f"{agents}/{p:g}", score.entrant.name
    reference = REFERENCE_SHARES.get(where) if name == "ours" else None
    busy, lost = score.busy, score.unattended
    pairs = []
    for label, (value, half), goal, known in (
        ("busy_share", busy, None if reference is None else reference - 0.5, reference),
        ("busy_day", score.busy_day, None, None),
        ("unattended", lost, 100 * CAP if name == "ours" else None, None),
    ):
        method = _METHOD.format(
            days=score.days, hours=course.day_s / 3600, step=course.step_s, half=100 * half
        )
        if label == "busy_share":
            method += "; without the first hour of each day"
        if label == "unattended":
            method += f"; {score.days_over} of {score.days_counted} days over the cap"
        pairs.append(
            Figure(
                f"{label}/{where}/{name}", 100 * value, "%", goal, known,
                None if known is None else 100 * value / known, method,
            )
        )  # fmt: skip
    return [*pairs, *_plain(score, f"{where}/{name}")]


def _plain(score: Score, whose: str) -> list[Figure]:
    """Give what stands beside the shares: days over the cap, waits, attempts."""
    counted = f"of {score.days_counted} days with at least {ENOUGH_ANSWERED} answers"
    return [
        Figure(f"{label}/{whose}", value, unit, None, None, None, method)
        for label, value, unit, method in (
            ("days_over", float(score.days_over), "days", counted),
            ("idle_mean", score.idle_mean_s, "s", "from ready to the next call, mean"),
            ("idle_p95", score.idle_p95_s, "s", "the same, 95th percentile, to 2 s"),
            ("caller_wait", score.wait_mean_s, "s", "from answer or verdict to the agent, mean"),
            ("attempts_per_connect", score.attempts_per_connect, "attempts", "over whole days"),
        )
    ]


def _tuned_pair(name: str, cell: Cell, busy: float, lost: float) -> list[Figure]:
    where = f"{cell[0]}/{cell[1]:g}"
    method = "best setting of a grid in this very cell that keeps the cap over all its days"
    return [
        Figure(f"busy_share/{where}/{name}", 100 * busy, "%", None, None, None, method),
        Figure(f"unattended/{where}/{name}", 100 * lost, "%", None, None, None, method),
    ]


def _replications(name: str, cell: Cell, short: bool) -> int:
    """Give small cells more rows: their days scatter more."""
    if not short:
        return 12 if cell[0] <= 20 else 5 if cell[0] <= 100 else 2
    return {5: 10, 20: 6}.get(cell[0], 3) if name == "ours" else 3


def _batches(cells: Sequence[Cell], short: bool) -> list[list[Cell]]:
    """Play cells of like size together: a world is as wide as its largest row."""
    if short:
        return [list(cells)]
    sizes = dict.fromkeys(agents for agents, _ in cells)
    return [[cell for cell in cells if cell[0] == size] for size in sizes]
