"""Draws the state machines from their tables: ``python -m engine.machines.diagrams``."""

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.machines.agent import AGENT
from engine.machines.attempt import ATTEMPT
from engine.machines.breaker import BREAKER
from engine.machines.campaign import CAMPAIGN
from engine.machines.leg import LEG
from engine.machines.machine import Machine
from engine.machines.record import RECORD
from engine.machines.session import SESSION

PAGE = Path("docs/machines.md")
"""Where the page stands, from the project's top."""

# Any: each machine has phases of a type of its own, of which a diagram needs but the names.
AnyMachine = Machine[Any]


def machines() -> tuple[AnyMachine, ...]:
    """Return every machine of the engine, in the order of the page."""
    return (CAMPAIGN, RECORD, ATTEMPT, LEG, AGENT, SESSION, BREAKER)


def page() -> str:
    """Return the whole page."""
    head = [
        "# State machines",
        "",
        "Drawn from the tables in `engine/machines/` by `python -m engine.machines.diagrams`;",
        "a test holds this page to them. What a table ignores, and why, stands in the table.",
        "",
    ]
    return "\n".join([*head, *(line for machine in machines() for line in section(machine))])


def section(machine: AnyMachine) -> list[str]:
    """Return the lines of one machine: its diagram, and what each event says."""
    module = inspect.getmodule(_events(machine)[0])
    about = (inspect.getdoc(module) or "").splitlines()[0] if module else ""
    lines = [f"## {machine.name.capitalize()}", "", about, "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {_id(machine.initial)}")
    for phase, row in machine.rows.items():
        if _id(phase) != phase.value:
            lines.append(f'    state "{phase.value}" as {_id(phase)}')
        lines += [
            f"    {_id(phase)} --> {_id(after)}: {event.__name__}" for event, after in row.items()
        ]
    lines += [f"    {_id(phase)} --> [*]" for phase in machine.rows if phase in machine.ends]
    lines += ["```", "", "| event | says |", "| --- | --- |"]
    lines += [f"| {event.__name__} | {_first_line(event)} |" for event in _events(machine)]
    return [*lines, ""]


def _id(phase: Any) -> str:  # Any: a member of any machine's enum of phases
    return str(phase.value).replace("-", "_")


def _events(machine: AnyMachine) -> Sequence[type]:
    """Return the machine's events in the order in which its rows name them."""
    return list(dict.fromkeys(event for row in machine.rows.values() for event in row))


def _first_line(event: type) -> str:
    return (inspect.getdoc(event) or "").splitlines()[0]


def main(top: Path) -> int:
    """Write the page below the project's top."""
    path = top / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
