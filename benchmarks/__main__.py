"""Lists and runs benchmarks: ``python -m benchmarks list``, ``python -m benchmarks run NAME``."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import cast

from benchmarks.harness import Benchmark, as_json_object, as_lines, this_machine

MODULES = {
    "kernel": "benchmarks.kernel",
    "pick": "benchmarks.pick",
    "import": "benchmarks.import_",
    "path": "benchmarks.path",
    "store": "benchmarks.store",
    "sip": "benchmarks.sip",
    "dialogs": "benchmarks.dialogs",
    "media": "benchmarks.media",
    "cpa": "benchmarks.cpa",
    "barge": "benchmarks.barge",
    "recording": "benchmarks.recording",
    "pacing": "benchmarks.pacing",
    "pacing-speed": "benchmarks.pacing_speed",
    "pacing-engine": "benchmarks.pacing_engine",
    "pacing-days": "benchmarks.pacing_days",
}
"""Module of each benchmark; one without its module is not offered."""


def available() -> dict[str, str]:
    """Return the benchmarks whose module is there, by name."""
    return {name: module for name, module in MODULES.items() if find_spec(module) is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print the names of all benchmarks")
    run = commands.add_parser("run", help="run one benchmark")
    run.add_argument("name", choices=sorted(available()))
    run.add_argument("--short", action="store_true", help="the form of seconds, for checks")
    run.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        print("\n".join(available()))
        return 0
    return _run(chosen.name, short=chosen.short, as_json=chosen.json)


def _run(name: str, *, short: bool, as_json: bool) -> int:
    # Each module named in MODULES has a function `run(short) -> list[Figure]`.
    benchmark = cast("Benchmark", importlib.import_module(available()[name]))
    machine = this_machine()
    if not as_json:
        print(f"{name} on {machine}", flush=True)
    figures = benchmark.run(short)
    if as_json:
        print(json.dumps(as_json_object(name, machine, figures)))
    else:
        print("\n".join(as_lines(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
