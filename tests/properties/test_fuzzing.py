"""A short search, guided by coverage, for what breaks a promise; a long one is started by hand."""

import importlib.util
import subprocess
import sys

import pytest

from tests.fuzz import TARGETS

RUNS = {"dialog": 100, "media": 30, "reports": 100, "message": 600, "stream": 800}
"""Executions of the slower targets; each begins with its seeds."""
MOST_RUNS = 3000

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed"
)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_in_a_short_search(target: str) -> None:
    run = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz", target, "-seed=1"),
            *(f"-runs={RUNS.get(target, MOST_RUNS)}", "-max_total_time=20"),
        ],
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode(errors="replace")[-3000:]
    assert b"Done" in run.stderr
