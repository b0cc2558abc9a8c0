"""What the arena answers with: figures by part, tables and plots for the page on pacing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness import Figure
from benchmarks.pacing import CAP, figures_of, run
from benchmarks.pacing.arena import Course, Entrant, Score, play
from benchmarks.pacing.optimum import Cell, best
from benchmarks.pacing.scenarios import DAY_S, SCENARIOS, STEADY, Scenario
from benchmarks.pacing.shared import SharedFloor
from benchmarks.pacing.tuning import MAKERS, grid
from benchmarks.pacing.world import Scene

Results = dict[str, list[dict[str, object]]]
_RULES = (
    "progressive", "tuned-ratio", "tuned-mean", "vicidial-hard", "vicidial-average",
    "vicidial-tapered", "tuned-vicidial", "ours", "knows-ends", "knows-outcomes",
)  # fmt: skip
_OPTIMUM_CELLS = (Cell(1, 0.3, most=30), Cell(2, 0.3, most=30), Cell(5, 0.3, most=40),
                  Cell(5, 0.1, most=90))  # fmt: skip


def gather(part: str, *, short: bool) -> list[dict[str, object]]:
    """Play one part of the arena.

    Args:
        part: Name in ``PARTS``.
        short: The form of minutes.

    Returns:
        Its figures as plain objects.
    """
    return [asdict(figure) for figure in PARTS[part](short)]


def play_scenarios(short: bool) -> list[Figure]:
    """Play days on which something changes: ours, progressive and the best tuned ratio."""
    course = Course(warm_s=0.0, day_s=DAY_S)
    figures: list[Figure] = []
    for scenario in SCENARIOS:
        scores = play(scenario.scene, _entrants(scenario, short), MAKERS, course)
        for figure in figures_of(scores, course):
            words = figure.name.split("/")
            if words[0] == "days_over":
                continue  # told of ours below, with its worst day
            name = f"{words[0]}/{scenario.name}/{words[-1]}"
            figures.append(Figure(name, figure.value, figure.unit, None, None, None, figure.method))
        figures.append(_days_over(scenario.name, scores))
    return figures


def play_thousand(short: bool) -> list[Figure]:
    """Play our rule alone for 1,000 days of every scenario (60 in the short form); takes hours."""
    course = Course(warm_s=0.0, day_s=DAY_S, days=1 if short else 4)
    return [
        _days_over(
            scenario.name,
            play(
                scenario.scene,
                [Entrant("ours", (scenario.agents, scenario.base_p), 60 if short else 250)],
                MAKERS,
                course,
            ),
        )
        for scenario in SCENARIOS
    ]


def play_shared(short: bool) -> list[Figure]:
    """Play two campaigns that share agents through the floor."""
    figures: list[Figure] = []
    counted = over = 0
    busy: list[float] = []
    for seed in range(1 if short else 3):
        floor = SharedFloor((0.3, 0.3), (3, 3, 14), seed)
        for day in range(1 if short else 2):
            outcome = floor.play_day(day * DAY_S, DAY_S)
            busy.append(100 * outcome.busy_share)
            for answered, lost in zip(outcome.answered, outcome.unattended, strict=True):
                counted += answered >= 500
                over += answered >= 500 and lost > CAP * answered
    method = "20 agents, 14 of them for both campaigns of p 0.3, days of 8 h through Floor"
    mean = sum(busy) / len(busy)
    figures.append(Figure("busy_share/shared/ours", mean, "%", None, None, None, method))
    method = f"campaign days over the cap, of {counted} with at least 500 answers"
    figures.append(Figure("days_over/shared/ours", over, "days", 0.0, None, None, method))
    return figures


def play_optimum(short: bool) -> list[Figure]:
    """Compare our rule with the optimum of exponential cells, with no patience.

    Our busy share is read at the cap by a line: a day ends a little under it.
    """
    scene = Scene(
        exponential=True, answer_mean_s=10.0, other_mean_s=10.0,
        talk_mean_s=105.0, acw_mean_s=0.001, patience_s=0.0,
    )  # fmt: skip
    course = Course(warm_s=3600.0, day_s=DAY_S, days=1, step_s=0.25)
    figures: list[Figure] = []
    for cell in _OPTIMUM_CELLS[2:] if short else _OPTIMUM_CELLS:
        entrant = Entrant("ours", (cell.agents, cell.answer_p), 6 if short else 16)
        score = play(scene, [entrant], MAKERS, course)[0]
        highest = best(cell, score.unattended[0])
        where = f"{cell.agents}/{cell.answer_p:g}"
        figures += [
            Figure(
                f"busy_share/{where}/optimum", 100 * highest.busy_share, "%", None, None, None,
                f"policy iteration, exponential times, {100 * score.unattended[0]:.2f} % lost",
            ),
            Figure(
                f"busy_share/{where}/ours-exponential", 100 * score.busy[0], "%", None,
                100 * highest.busy_share, score.busy[0] / highest.busy_share,
                f"same world and losses; 95 % interval +-{100 * score.busy[1]:.2f}",
            ),
        ]  # fmt: skip
    return figures


def play_oracles(short: bool) -> list[Figure]:
    """Play our rule with knowledge that nobody has, beside the rule itself."""
    course = Course(warm_s=3600.0, day_s=DAY_S, days=1)
    every = [(agents, p) for agents in (5, 10, 20, 50, 100) for p in (0.1, 0.3, 0.5)]
    cells = [(5, 0.1), (20, 0.3)] if short else every
    listed = [
        Entrant(name, cell, 6)
        for cell in cells
        for name in ("ours", "knows-ends", "knows-outcomes")
    ]
    return figures_of(play(STEADY, listed, MAKERS, course), course)


PARTS: dict[str, Callable[[bool], list[Figure]]] = {
    "steady": run,
    "scenarios": play_scenarios,
    "shared": play_shared,
    "optimum": play_optimum,
    "oracles": play_oracles,
    "thousand": play_thousand,
}
"""The parts of the arena by name."""


def write_docs(results: Results, page: Path) -> None:
    """Write tables between their marks in a page, and plots beside it.

    Args:
        results: Figures of all parts.
        page: The page; plots go into a folder of its name.
    """
    text = page.read_text("utf-8")
    for part, figures in results.items():
        table = _table(figures, key=1 if part not in ("steady", "oracles") else None)
        text = _put(text, part, table)
    if "steady" in results:
        steady = results["steady"]
        text = _put(text, "waits", _table(_with_waits(steady), key=None, entry=_waits))
        _plot(steady, page.with_suffix("") / "busy.svg")
    page.write_text(text, "utf-8")


def _put(text: str, mark: str, table: str) -> str:
    """Put a table between its marks, if the page has them."""
    if f"<!-- {mark} -->\n" not in text:
        return text
    begin, rest = text.split(f"<!-- {mark} -->\n", 1)
    return f"{begin}<!-- {mark} -->\n{table}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def _with_waits(figures: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Keep the rules of which waits are known: all but those that were tuned."""
    return [figure for figure in figures if "/tuned-" not in str(figure["name"])]


def _entrants(scenario: Scenario, short: bool) -> list[Entrant]:
    cell = (scenario.agents, scenario.base_p)
    listed = [Entrant("ours", cell, 6 if short else 60), Entrant("progressive", cell, 4)]
    for name in ("ratio-ready", "ratio-agents"):
        listed += grid(name, cell, 8, 2)
    return listed


def _days_over(name: str, scores: Sequence[Score]) -> Figure:
    ours = next(score for score in scores if score.entrant.name == "ours")
    method = (
        f"of {ours.days_counted} days with at least 500 answers; worst day "
        f"{100 * ours.worst_day:.2f} %"
    )
    if ours.days_over_truly != ours.days_over:
        method += f"; {ours.days_over_truly} over by the persons whom analysis cut off in truth"
    return Figure(f"days_over/{name}/ours", ours.days_over, "days", 0.0, None, None, method)


def _table(
    figures: Sequence[Mapping[str, object]],
    key: int | None,
    entry: Callable[[Mapping[str, float] | None], str] | None = None,
) -> str:
    """Lay figures out: a row for each cell or scenario, an entry for each rule."""
    entry = entry or _entry
    cells: dict[str, dict[str, dict[str, float]]] = {}
    for figure in figures:
        words = str(figure["name"]).split("/")
        where = words[1] if key is not None and len(words) == 3 else "/".join(words[1:-1])
        value = figure["value"]
        assert isinstance(value, int | float)
        cells.setdefault(where, {}).setdefault(words[-1], {})[words[0]] = float(value)
    rules = list(dict.fromkeys(rule for row in cells.values() for rule in row))
    rules.sort(key=lambda rule: _RULES.index(rule) if rule in _RULES else len(_RULES))
    lines = ["| | " + " | ".join(rules) + " |", "|---" * (len(rules) + 1) + "|"]
    for where, row in cells.items():
        lines.append(f"| {where} | " + " | ".join(entry(row.get(rule)) for rule in rules) + " |")
    return "\n".join(lines)


def _entry(values: Mapping[str, float] | None) -> str:
    if not values:
        return ""
    text = f"{values['busy_share']:.1f}" if "busy_share" in values else ""
    if "unattended" in values:
        text += f" ({values['unattended']:.2f})"
    if "days_over" in values:
        text += f", {values['days_over']:.0f} over"
    return text


def _waits(values: Mapping[str, float] | None) -> str:
    if not values or "idle_mean" not in values:
        return ""
    return (
        f"{values['idle_mean']:.1f}, {values['idle_p95']:.0f} / {values['caller_wait']:.2f} / "
        f"{values['attempts_per_connect']:.1f}"
    )


def _plot(figures: Sequence[Mapping[str, object]], path: Path) -> None:
    """Draw busy shares against agents, one panel for each chance of an answer."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "paceline"
    import matplotlib.pyplot as plt

    points: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for figure in figures:
        label, agents, p, rule = str(figure["name"]).split("/")
        if label == "busy_share":
            value = float(str(figure["value"]))
            points.setdefault(p, {}).setdefault(rule, []).append((int(agents), value))
    picture, panels = plt.subplots(1, len(points), figsize=(4.2 * len(points), 3.6), squeeze=False)
    for panel, (p, rules) in zip(panels[0], sorted(points.items()), strict=True):
        for rule, marks in sorted(rules.items()):
            marks.sort()
            panel.plot(*zip(*marks, strict=True), marker="o", markersize=3, label=rule)
        panel.set(xscale="log", title=f"answers {p}", xlabel="agents", ylabel="busy share [%]")
    panels[0][-1].legend(fontsize=6)
    picture.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, metadata={"Date": None})
