"""Plays the whole arena and writes its answers: ``python -m benchmarks.pacing``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pacing.report import PARTS, gather, write_docs


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description=__doc__)
    parser.add_argument(
        "--parts", nargs="*", choices=sorted(PARTS), default=sorted(set(PARTS) - {"thousand"})
    )
    parser.add_argument("--short", action="store_true", help="the form of minutes")
    parser.add_argument("--results", type=Path, default=Path("docs/pacing/results.json"))
    parser.add_argument("--docs", type=Path, help="page whose tables are written anew")
    chosen = parser.parse_args(arguments)
    known = json.loads(chosen.results.read_text("utf-8")) if chosen.results.exists() else {}
    for part in chosen.parts:
        known[part] = gather(part, short=chosen.short)
        chosen.results.parent.mkdir(parents=True, exist_ok=True)
        chosen.results.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        print(f"{part}: {len(known[part])} figures", flush=True)
    if chosen.docs is not None:
        write_docs(known, chosen.docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
