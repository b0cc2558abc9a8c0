"""Who wins: over every combination of what can be said about a call."""

from itertools import product

import pytest

from engine.compliance.recording import (
    Asked,
    RecordingAction,
    RecordingPolicy,
    RecordingState,
    RecordingWishes,
    judge,
    must_record,
)
from engine.domain.specs import RecordingRule

INHERIT, ALL, NONE = RecordingRule.INHERIT, RecordingRule.ALL, RecordingRule.NONE
ON, OFF, PAUSED = RecordingState.ON, RecordingState.OFF, RecordingState.PAUSED
START, STOP, PAUSE, RESUME = (
    RecordingAction.START,
    RecordingAction.STOP,
    RecordingAction.PAUSE,
    RecordingAction.RESUME,
)
ASKED = [Asked(on, paused) for on, paused in product((None, True, False), (None, True, False))]
EVERYTHING = [
    RecordingWishes(*said)
    for said in product(
        (ALL, NONE), RecordingRule, RecordingRule, (False, True), ASKED, (False, True), ASKED,
        (False, True),
    )
]  # fmt: skip


def ranked(wishes: RecordingWishes) -> RecordingState:
    """Return the state by looking from the strongest down, as a person would read the ranking."""
    if wishes.banned:
        return OFF
    base = _wanted(wishes)
    desktop, manual = wishes.desktop, wishes.manual
    if base is OFF:
        return OFF
    if desktop.paused is not None:
        return PAUSED if desktop.paused else ON
    if desktop.on or wishes.monitored:
        return ON
    return PAUSED if manual.paused else ON


def _wanted(wishes: RecordingWishes) -> RecordingState:
    """Return whether it is recorded at all, pauses aside."""
    strongest_first = (
        wishes.desktop.on,
        True if wishes.monitored else None,
        wishes.manual.on,
        False if wishes.unwanted else None,
        *({INHERIT: None, ALL: True, NONE: False}[r] for r in (wishes.agent, wishes.campaign)),
        wishes.centre is ALL,
    )
    return ON if next(said for said in strongest_first if said is not None) else OFF


def test_the_strongest_word_decides_whatever_else_was_said() -> None:
    wrong = [wishes for wishes in EVERYTHING if judge(wishes).state is not ranked(wishes)]
    assert len(EVERYTHING) == 2 * 3 * 3 * 2 * 9 * 2 * 9 * 2
    assert wrong == []


@pytest.mark.parametrize(
    ("wishes", "state", "why"),
    [
        pytest.param(RecordingWishes(), OFF, "centre", id="nothing said"),
        pytest.param(RecordingWishes(centre=ALL), ON, "centre", id="centre"),
        pytest.param(RecordingWishes(ALL, campaign=NONE), OFF, "campaign", id="campaign"),
        pytest.param(RecordingWishes(campaign=NONE, agent=ALL), ON, "agent", id="agent"),
        pytest.param(RecordingWishes(agent=ALL, unwanted=True), OFF, "scenario", id="scenario"),
        pytest.param(
            RecordingWishes(unwanted=True, manual=Asked(on=True)), ON, "manual", id="by hand"
        ),
        pytest.param(
            RecordingWishes(ALL, manual=Asked(on=False), monitored=True),
            ON, "monitoring", id="a supervisor listens",
        ),
        pytest.param(
            RecordingWishes(ALL, monitored=True, desktop=Asked(paused=True)),
            PAUSED, "desktop", id="a payment form pauses while a supervisor listens",
        ),
        pytest.param(
            RecordingWishes(ALL, desktop=Asked(on=True), banned=True), OFF, "ban", id="ban"
        ),
        pytest.param(
            RecordingWishes(manual=Asked(paused=True)), OFF, "centre", id="a pause of nothing"
        ),
    ],
)  # fmt: skip
def test_each_rank_wins_over_the_weaker_ones(
    wishes: RecordingWishes, state: RecordingState, why: str
) -> None:
    verdict = judge(wishes)
    assert (verdict.state, verdict.why) == (state, why)


@pytest.mark.parametrize(
    ("actions", "asked"),
    [
        pytest.param((START, PAUSE), Asked(on=True, paused=True), id="paused"),
        pytest.param((START, PAUSE, RESUME), Asked(on=True, paused=False), id="resumed"),
        pytest.param((PAUSE, START), Asked(on=True), id="a start ends a pause"),
        pytest.param((PAUSE, STOP), Asked(on=False), id="so does a stop"),
    ],
)
def test_what_is_asked_for_adds_up(actions: tuple[RecordingAction, ...], asked: Asked) -> None:
    so_far = Asked()
    for action in actions:
        so_far = so_far.then(action)
    assert so_far == asked


def test_only_what_must_be_recorded_is_held_back() -> None:
    required = RecordingPolicy(record=ALL, required=True)
    assert must_record(required, INHERIT)
    assert not must_record(required, NONE)
    assert must_record(RecordingPolicy(required=True), ALL)
    assert not must_record(RecordingPolicy(record=ALL), ALL)
