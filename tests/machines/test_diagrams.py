from pathlib import Path

from engine.machines.agent import AGENT
from engine.machines.diagrams import PAGE, main, page, section

TOP = Path(__file__).parents[2]


def test_the_page_is_fresh() -> None:
    written = (TOP / PAGE).read_text(encoding="utf-8")
    assert written == page(), "run python -m engine.machines.diagrams"


def test_a_diagram_has_an_arrow_for_each_row() -> None:
    arrows = [line for line in section(AGENT) if "-->" in line and "[*]" not in line]
    assert len(arrows) == sum(len(row) for row in AGENT.rows.values())
    assert "    not_ready --> ready: MadeReady" in arrows


def test_the_page_is_written_where_it_belongs(tmp_path: Path) -> None:
    assert main(tmp_path) == 0
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == page()
