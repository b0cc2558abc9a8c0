"""Names are taken apart, or refused with what they should have been."""

from collections.abc import Callable

import pytest

from engine.domain.ids import ListId, RecordRef
from engine.domain.refusals import InvalidRequestError
from gateway.convert import names


def test_names_are_made_and_taken_apart() -> None:
    assert names.campaign_id(names.name_of("campaigns", "c-1")) == "c-1"
    assert names.attempt_id("calls/a1-0001-0000002a") == "a1-0001-0000002a"
    assert names.record_ref(names.record_name("l1", 41)) == RecordRef(ListId("l1"), 41)
    assert names.campaign_list(names.campaign_list_name("c1", "l1")) == ("c1", "l1")
    assert names.import_of("lists/l1/imports/june-1") == ("l1", "june-1")
    assert names.name_of("teams", "") == ""


@pytest.mark.parametrize(
    ("parse", "name"),
    [
        pytest.param(names.campaign_id, "c1", id="id alone"),
        pytest.param(names.campaign_id, "lists/c1", id="another collection"),
        pytest.param(names.campaign_id, "campaigns/", id="empty id"),
        pytest.param(names.campaign_id, "campaigns/a/b", id="too deep"),
        pytest.param(names.list_id, "lists/-a", id="hyphen first"),
        pytest.param(names.record_ref, "lists/l1/records/x", id="row in letters"),
        pytest.param(names.record_ref, "lists/l1/records/-1", id="row below zero"),
        pytest.param(names.record_ref, "lists/l1/records/١", id="row in other digits"),
        pytest.param(names.record_ref, "lists/l1/records/" + "9" * 40, id="row without end"),
        pytest.param(names.attempt_id, "calls/../x", id="path"),
        pytest.param(names.campaign_list, "campaigns/c1/teams/t1", id="a team"),
        pytest.param(names.import_of, "lists/l1/imports/A", id="upper-case import"),
    ],
)
def test_a_malformed_name_is_refused(parse: Callable[[str], object], name: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse(name)


def test_notes_may_have_lines_and_other_texts_may_not() -> None:
    assert names.clean_notes("notes", "a\n\tb") == "a\n\tb"
    with pytest.raises(InvalidRequestError):
        names.clean_text("name", "a\nb")
    with pytest.raises(InvalidRequestError):
        names.clean_notes("notes", "a\x00b")


def test_a_refusal_shows_no_more_than_the_head_of_a_name() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        names.campaign_id("x" * 10_000)
    assert len(caught.value.message) < 200
