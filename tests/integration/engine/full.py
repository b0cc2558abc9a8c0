"""Runs the long form of the tests over real SIP: ``python -m tests.integration.engine.full``.

200 stops at random instants and 50 kills in full flow take about half an hour on two cores; the
figures are printed. Numbers may be given: ``--stops 500 --kills 100``.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest


def main() -> int:
    """Run all and return pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    os.environ["PACELINE_STOPS"] = str(options.stops)
    os.environ["PACELINE_KILLS"] = str(options.kills)
    return int(pytest.main(["-q", "-s", "-p", "no:cacheprovider", str(Path(__file__).parent)]))


if __name__ == "__main__":
    sys.exit(main())
