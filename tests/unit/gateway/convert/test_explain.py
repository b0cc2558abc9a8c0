"""Why nothing is dialed, as people are told it."""

from typing import Any

import pytest

from engine.actors.messages import CampaignView
from engine.domain.ids import CampaignId
from engine.domain.specs import CampaignSpec
from engine.machines.campaign import CampaignPhase
from gateway.convert.explain import to_campaign_explanation
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

SPEC = CampaignSpec(campaign_id=CampaignId("spring"), caller_id_field="show")


def told(why_idle: tuple[str, ...] = (), **values: Any) -> pb.ExplainCampaignResponse:
    view = CampaignView(
        CampaignPhase.RUNNING, 1, "preview", 0, why_idle, 0.0, next_edge_starts=False, **values
    )
    return to_campaign_explanation(SPEC, view, {}, 0)


def test_each_trunk_that_takes_no_calls_is_told_in_place_of_the_bare_word() -> None:
    answer = told(
        ("trunk-down", "lists-exhausted"),
        trunk_hindrances=(("trunk-down", "north: failing"), ("trunk-down", "south: no answer")),
    )
    assert [(item.reason, item.detail) for item in answer.hindrances] == [
        ("lists-exhausted", ""),
        ("trunk-down", "north: failing"),
        ("trunk-down", "south: no answer"),
    ]
    assert answer.summary == "Nothing is dialed now: lists-exhausted, trunk-down."


def test_an_empty_group_is_a_diagnostic() -> None:
    answer = told(("trunk-down",), trunk_hindrances=(("no-such-trunk", "west"),))
    assert answer.summary == "Nothing is dialed now: no-such-trunk."


def test_fields_that_hold_no_number_are_counted_and_hold_nothing_back() -> None:
    answer = told(caller_ids_refused=7)
    (item,) = answer.hindrances
    assert (item.reason, item.detail, item.record_count) == ("caller-id-refused", "show", 7)
    assert answer.summary == "No record may be dialed now: the lists are empty."


@pytest.mark.parametrize("why", ["trunk-down", "not-running", "no-caller-id"])
def test_without_trunks_to_tell_of_the_reason_stands_alone(why: str) -> None:
    assert [item.reason for item in told((why,)).hindrances] == [why]
