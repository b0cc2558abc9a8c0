"""Tables and plots of the arena, and the oracles' arithmetic."""

from pathlib import Path

import numpy as np

from benchmarks.pacing.oracles import shifted
from benchmarks.pacing.report import write_docs
from engine.pacing.risk import SpareCells, exact_risk


def figure(name: str, value: float) -> dict[str, object]:
    return {"name": name, "value": value}


def test_tables_stand_between_their_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- steady -->\nold\n<!-- end -->\nafter\n", "utf-8")
    figures = [
        figure("busy_share/5/0.1/ours", 74.31),
        figure("unattended/5/0.1/ours", 2.44),
        figure("busy_share/5/0.1/progressive", 49.0),
    ]
    write_docs({"steady": figures, "unknown": figures}, page)
    text = page.read_text("utf-8")
    assert text.startswith("before\n<!-- steady -->\n| | progressive | ours |")
    assert "| 5/0.1 | 49.0 | 74.3 (2.44) |" in text
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert (tmp_path / "page" / "busy.svg").read_text("utf-8").lstrip().startswith("<?xml")


def test_waits_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- waits -->\nold\n<!-- end -->\n", "utf-8")
    told = {"busy_share": 74.3, "days_over": 0.0, "idle_mean": 36.4, "idle_p95": 118.0,
            "caller_wait": 0.114, "attempts_per_connect": 10.26}  # fmt: skip
    figures = [figure(f"{name}/5/0.1/ours", value) for name, value in told.items()]
    write_docs({"steady": [*figures, figure("busy_share/5/0.1/tuned-ratio", 72.5)]}, page)
    lines = page.read_text("utf-8").splitlines()
    assert lines[1:4] == ["| | ours |", "|---|---|", "| 5/0.1 | 36.4, 118 / 0.11 / 10.3 |"]


def test_agents_known_to_be_taken_shift_the_spare_ones() -> None:
    two_spare = SpareCells(np.array([[[0.0, 0.0, 1.0]]]), below=0)
    one = np.ones((1, 1))
    assert exact_risk(two_spare, one)[0] == 0.0
    assert exact_risk(shifted(two_spare, np.array([[-1]])), one)[0] == 0.0
    assert exact_risk(shifted(two_spare, np.array([[-2]])), one)[0] == 1.0
    assert exact_risk(shifted(two_spare, np.array([[3]])), one)[0] == 0.0
