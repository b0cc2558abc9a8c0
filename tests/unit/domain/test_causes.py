"""What a refusal means: by its SIP status, by the Q.850 cause beside it, and which of them wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.causes import (
    CAUSES,
    MEDIA_LOST,
    NO_ANSWER,
    RELEASED,
    TIMED_OUT,
    cause_of,
    cause_of_q850,
    cause_of_status,
    q850_of,
)
from engine.domain.dispositions import PREDEFINED, disposition_of


@pytest.mark.parametrize(
    ("status", "q850", "slug", "disposition"),
    [
        pytest.param(503, 17, "busy", "busy", id="503 for a busy phone"),
        pytest.param(500, 17, "busy", "busy", id="500 for a busy phone"),
        pytest.param(480, 1, "no-such-number", "invalid-number", id="480 for no number"),
        pytest.param(480, 20, "absent", "no-answer", id="480 for a phone switched off"),
        pytest.param(480, 16, "no-answer", "no-answer", id="480, cause 16 is silent"),
        pytest.param(486, 34, "carrier-congested", "network-failure", id="486 for congestion"),
        pytest.param(404, 3, "no-route", "network-failure", id="404 for no route"),
        pytest.param(404, 1, "no-such-number", "invalid-number", id="404 as it is meant"),
        pytest.param(404, 127, "no-such-number", "invalid-number", id="404, interworking"),
        pytest.param(503, 28, "no-such-number", "invalid-number", id="503 for too few digits"),
        pytest.param(503, 41, "carrier-failed", "network-failure", id="503, temporary failure"),
        pytest.param(503, 0, "carrier-congested", "network-failure", id="503 alone"),
        pytest.param(500, 22, "number-gone", "invalid-number", id="500 for a changed number"),
        pytest.param(403, 21, "declined", "no-answer", id="403 for a rejected call"),
        pytest.param(502, 0, "out-of-order", "network-failure", id="502 alone"),
        pytest.param(480, 19, "no-answer", "no-answer", id="480 as it is meant"),
        pytest.param(500, 51, "carrier-failed", "network-failure", id="51, by its class"),
        pytest.param(500, 40, "carrier-congested", "network-failure", id="40, by its class"),
        pytest.param(500, 70, "not-acceptable", "network-failure", id="70, by its class"),
        pytest.param(607, 17, "unwanted", "add-to-dnc", id="607 stays whatever a switch adds"),
        pytest.param(603, 17, "busy", "busy", id="603 for a busy phone"),
        pytest.param(407, 21, "credentials-refused", "network-failure", id="407 is our own matter"),
        pytest.param(487, 0, "carrier-failed", "network-failure", id="487 that was not our doing"),
        pytest.param(487, 19, "no-answer", "no-answer", id="487 of a carrier that gave up"),
        pytest.param(302, 1, "moved", "network-failure", id="3xx is never followed"),
    ],
)
def test_q850_wins_where_it_says_more(status: int, q850: int, slug: str, disposition: str) -> None:
    cause = cause_of(status, q850)
    assert (cause.slug, disposition_of(cause).slug) == (slug, disposition)


@given(st.integers(300, 699), st.integers(-5, 1000))
def test_every_pair_has_a_known_cause_and_disposition(status: int, q850: int) -> None:
    cause = cause_of(status, q850)
    assert CAUSES[cause.slug] == cause
    assert disposition_of(cause).slug in PREDEFINED


@pytest.mark.parametrize("q850", [0, 16, 31, 127, 128, -1, 6, 120])
def test_a_silent_or_foreign_cause_leaves_the_status_alone(q850: int) -> None:
    assert cause_of_q850(q850) is None
    assert cause_of(486, q850) is cause_of_status(486)


def test_our_own_ends_have_a_cause_too() -> None:
    assert [q850_of(cause) for cause in (RELEASED, NO_ANSWER, MEDIA_LOST, TIMED_OUT)] == [
        16,
        19,
        41,
        102,
    ]
