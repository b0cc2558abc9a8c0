"""The demo from end to end: an engine, real SIP and RTP on loopback, agents, Start and Stop."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache

import pytest

from tests.support.load import Load

STABLE = {
    "attempts",
    "answered",
    "connected",
    "unattended",
    "busy_share",
    "invites_after_stop_ack",
    "start_to_first_invite_s",
    "stop_ack_s",
}


@pytest.fixture(scope="module")
def summary() -> Mapping[str, object]:
    return run()[0]


@cache
def run() -> tuple[Mapping[str, object], Callable[[float], float]]:
    """Return what the demo tells, and what a bound of time comes to under the load there was."""
    with Load() as load:
        done = subprocess.run(
            [sys.executable, "-m", "clients.cli", "demo", "--seconds", "12", "--agents", "6",
             "--answer-ratio", "0.6", "--mode", "progressive", "--record", "--json"],
            capture_output=True, text=True, timeout=250, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: Mapping[str, object] = json.loads(done.stdout)
    return told, load.allow


def number(summary: Mapping[str, object], key: str) -> float:
    value = summary[key]
    assert isinstance(value, int | float), f"{key}: {value!r}"
    return value


pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_names_that_scripts_rely_on_are_there(summary: Mapping[str, object]) -> None:
    assert set(summary) >= STABLE


def test_calls_are_made_answered_and_connected(summary: Mapping[str, object]) -> None:
    assert number(summary, "attempts") >= 6
    assert 0 < number(summary, "connected") <= number(summary, "answered")
    assert 0 < number(summary, "busy_share") <= 1


def test_every_attempt_was_on_the_wire_and_has_one_outcome(summary: Mapping[str, object]) -> None:
    assert summary["invites"] == summary["attempts"] == summary["closed"]


def test_both_parties_hear_each_other_in_every_call(summary: Mapping[str, object]) -> None:
    assert summary["customers_heard_agent"] == summary["connected"]
    assert summary["agents_heard_customer"] == summary["connected"]


def test_every_conversation_is_recorded(summary: Mapping[str, object]) -> None:
    assert summary["recordings"] == summary["connected"]
    assert number(summary, "recorded_s") > 0


def test_nothing_leaves_after_stop_was_acknowledged(summary: Mapping[str, object]) -> None:
    assert summary["invites_after_stop_ack"] == 0


def test_start_and_stop_act_at_once(summary: Mapping[str, object]) -> None:
    allow = run()[1]
    assert number(summary, "start_to_first_invite_s") < allow(2.0)
    assert number(summary, "stop_ack_s") < allow(1.0)


def test_no_session_broke(summary: Mapping[str, object]) -> None:
    assert summary["session_faults"] == []
