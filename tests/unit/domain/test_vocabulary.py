"""Ids, numbers, causes and dispositions: well formed, complete, and without personal data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.causes import CAUSES, Fault, Redial, cause_of_status
from engine.domain.dispositions import DEFAULT_RULES, PREDEFINED, disposition_of
from engine.domain.e164 import mask, parse_e164
from engine.domain.ids import IdSource, check_resource_id
from engine.domain.refusals import KINDS, DialerError, InvalidNumberError, InvalidRequestError


@pytest.mark.parametrize("text", ["+14155550100", "+4930123456", "+1234567", "+123456789012345"])
def test_a_number_in_e164_form_is_taken(text: str) -> None:
    assert parse_e164(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "14155550177", "+0155550177", "+123456", "+1234567890123456", "+1415555010a", "+1 415",
     "+１４１５５５５０１００", "+14155550177\n"],
)  # fmt: skip
def test_any_other_form_is_refused_without_showing_the_number(text: str) -> None:
    with pytest.raises(InvalidNumberError) as refused:
        parse_e164(text)
    assert len(text) < 8 or text not in refused.value.message


def test_a_masked_number_hides_its_middle() -> None:
    assert mask("+14155550100") == "+1415•••0100"
    assert mask("+123") == "••••"


@pytest.mark.parametrize("value", ["a", "spring-2026", "0", "a" * 63])
def test_a_resource_id_is_kept(value: str) -> None:
    assert check_resource_id("campaign", value) == value


@pytest.mark.parametrize("value", ["", "-a", "a-", "A", "a b", "a" * 64, "a/b", "a\n"])
def test_a_malformed_resource_id_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_resource_id("campaign", value)


def test_generated_ids_say_cell_and_life_and_sort_by_making() -> None:
    ids = IdSource("a1", 2)
    made = [ids.attempt(), ids.leg(), ids.session()]
    assert made[0] == "a1-0002-00000001"
    assert sorted(made) == made


@given(st.integers(300, 699))
def test_every_final_status_has_a_cause_and_a_disposition(status: int) -> None:
    cause = cause_of_status(status)
    assert CAUSES[cause.slug].fault is cause.fault
    disposition = disposition_of(cause)
    assert PREDEFINED[disposition.slug] is disposition


@pytest.mark.parametrize(
    ("status", "slug", "fault", "redial"),
    [
        pytest.param(486, "busy", Fault.CALLED_PARTY, Redial.SOON, id="486 Busy Here"),
        pytest.param(404, "no-such-number", Fault.NUMBER, Redial.NEVER, id="404 Not Found"),
        pytest.param(503, "carrier-congested", Fault.CARRIER, Redial.SOON, id="503"),
        pytest.param(607, "unwanted", Fault.CALLED_PARTY, Redial.NEVER, id="607 Unwanted"),
        pytest.param(499, "refused", Fault.CARRIER, Redial.LATER, id="499, by its class"),
        pytest.param(599, "carrier-failed", Fault.CARRIER, Redial.SOON, id="599, by its class"),
    ],
)
def test_a_status_has_a_cause(status: int, slug: str, fault: Fault, redial: Redial) -> None:
    cause = cause_of_status(status)
    assert (cause.slug, cause.fault, cause.redial) == (slug, fault, redial)


def test_rules_are_for_dispositions_that_there_are() -> None:
    assert set(DEFAULT_RULES) <= set(PREDEFINED)


def test_every_refusal_is_of_one_kind_and_has_a_slug_of_its_own() -> None:
    every = [kind for base in KINDS for kind in base.__subclasses__()]
    assert all(sum(issubclass(kind, base) for base in KINDS) == 1 for kind in every)
    slugs = [kind.slug for kind in (*KINDS, *every)]
    assert len(set(slugs)) == len(slugs)
    assert DialerError("text", slug="other").slug == "other"
