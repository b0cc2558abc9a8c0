"""``paceline simulate``: the names that scripts rely on, and the same trace from the same seed."""

import json
from collections.abc import Mapping

import pytest
from typer.testing import CliRunner

from clients.cli.app import app

STABLE = {
    "trace_hash",
    "attempts",
    "answered",
    "connected",
    "unattended",
    "unattended_ratio",
    "busy_share",
    "violations",
    "wall_s",
}


def simulated(seed: int, *more: str) -> Mapping[str, object]:
    words = ["simulate", "--seed", str(seed), "--agents", "3", "--hours", "0.03", "--json", *more]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    told: Mapping[str, object] = json.loads(result.stdout)
    return told


@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_trace_and_another_one_another() -> None:
    first, again, other = simulated(5), simulated(5), simulated(6)
    assert set(first) >= STABLE
    assert first["trace_hash"] == again["trace_hash"] != other["trace_hash"]
    assert first["violations"] == []
    assert isinstance(first["attempts"], int)
    assert first["attempts"] > 0


@pytest.mark.timeout(300)
def test_with_analysis_it_says_who_answered() -> None:
    told = simulated(5, "--analysis")
    verdicts, treated = told["verdicts"], told["treated"]
    assert isinstance(verdicts, dict)
    assert isinstance(treated, dict)
    assert verdicts["person"] > 0
    assert verdicts["machine"] > 0
    assert told["violations"] == []
