"""What a benchmark answers with, and which machine gave the answer."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured answer.

    Attributes:
        name: What was measured, stable for scripts.
        value: The answer, in ``unit``.
        unit: Unit of ``value``, ``goal`` and ``reference``.
        goal: What it should reach, if a goal was set.
        reference: The same measured on a plain alternative in the same run, if there is one.
        ratio: How many times better than the reference it is, if there is one.
        method: How it was measured, in one sentence.
    """

    name: str
    value: float
    unit: str
    goal: float | None
    reference: float | None
    ratio: float | None
    method: str


class Benchmark(Protocol):
    """A module that answers one question."""

    def run(self, short: bool) -> list[Figure]:
        """Measure; the short form takes seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """Where figures were measured."""

    cpu: str
    cores: int
    python: str

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {self.python}"


def this_machine() -> Machine:
    """Return the machine this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return Machine(_cpu_model(), cores or 1, python)


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def as_json_object(
    benchmark: str, machine: Machine, figures: Sequence[Figure]
) -> dict[str, object]:
    """Return what ``run NAME --json`` prints: one object, keys stable for scripts."""
    return {
        "benchmark": benchmark,
        "machine": asdict(machine),
        "figures": [asdict(figure) for figure in figures],
    }


def as_lines(figures: Iterable[Figure]) -> list[str]:
    """Return figures as text, one line each and its method beneath."""
    lines: list[str] = []
    for figure in figures:
        parts = [f"{figure.name}: {figure.value:,.6g} {figure.unit}"]
        if figure.goal is not None:
            parts.append(f"goal {figure.goal:,.6g}")
        if figure.reference is not None:
            parts.append(f"reference {figure.reference:,.6g}")
        if figure.ratio is not None:
            parts.append(f"ratio {figure.ratio:,.3g}")
        lines += [", ".join(parts), f"    {figure.method}"]
    return lines


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed (nearest rank).

    Args:
        values: At least one value, in any order.
        share: In [0, 1].
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
