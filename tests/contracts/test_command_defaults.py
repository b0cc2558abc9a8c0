"""The defaults that ``paceline campaign create --help`` tells are those of a campaign."""

import re
import typing

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from clients.cli.campaign import SETTINGS
from clients.cli.settings import Setting, put_all
from engine.domain.ids import CampaignId
from engine.domain.specs import CampaignSpec
from gateway.convert.campaigns import to_campaign
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

TOLD = re.compile(r"default ([\w.-]*\w)")
CREATED = to_campaign(CampaignSpec(campaign_id=CampaignId("new")), pb.RUN_STATE_IDLE)


def told_by(setting: Setting) -> str:
    """Return the default that an option's help tells, empty if it tells none."""
    _, option = typing.get_args(setting.kind)
    found = TOLD.search(option.help)
    return found[1] if found else ""


def in_words(message: Message, field: str) -> str:
    """Return a field's value as the help would tell it."""
    value = getattr(message, field)
    if isinstance(value, Duration):
        return f"{value.ToNanoseconds() / 1e9:g}"
    known = message.DESCRIPTOR.fields_by_name[field]
    if known.enum_type is not None:
        name = known.enum_type.values_by_number[value].name
        prefix = known.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        return name.removeprefix(prefix).lower()
    if known.message_type is not None:
        return "set" if message.HasField(field) else "off"
    if isinstance(value, bool):
        return "automatic" if value else "manual"
    return f"{value:g}" if isinstance(value, int | float) else value or "nothing"


@pytest.mark.parametrize(
    "setting",
    [pytest.param(each, id=each.flag) for each in SETTINGS if told_by(each)],
)
def test_what_the_help_says_is_what_a_campaign_gets(setting: Setting) -> None:
    assert told_by(setting).replace("none", "nothing") == in_words(CREATED, setting.field)


@pytest.mark.parametrize("flag", ["--mode", "--no-answer-timeout", "--max-unattended-ratio"])
def test_what_decides_how_people_are_called_says_its_default(flag: str) -> None:
    assert told_by(next(each for each in SETTINGS if each.flag == flag))


def test_an_option_without_a_value_sets_nothing() -> None:
    assert put_all(pb.Campaign(), SETTINGS, {}) == []
