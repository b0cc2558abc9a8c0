"""Resource names (AIP-122): made from ids, and taken apart again."""

import re
import unicodedata

from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    ListId,
    RecordingId,
    RecordRef,
    TeamId,
    TrunkId,
    check_resource_id,
)
from engine.domain.refusals import InvalidRequestError

_CALL = re.compile(r"calls/([a-z0-9]{1,8}-[0-9a-f]{4,12}-[0-9a-f]{8,16})")
_RECORDING = re.compile(r"recordings/([a-z0-9]{1,8}-[0-9a-f]{4,12}-[0-9a-f]{8,16})")
_RECORD = re.compile(r"lists/([a-z0-9-]{1,63})/records/([0-9]{1,10})")
_IMPORT = re.compile(r"lists/([a-z0-9-]{1,63})/imports/([a-z0-9-]{1,63})")
_BIDI_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _refuse(what: str, value: str, form: str) -> InvalidRequestError:
    return InvalidRequestError(f"{what} {value[:80]!r} is not {form}", slug="invalid-name")


def _id_of(name: str, collection: str, kind: str) -> str:
    head, slash, value = name.partition("/")
    if head != collection or not slash:
        raise _refuse(f"{kind} name", name, f"{collection}/{{{kind}}}")
    return check_resource_id(kind, value)


def campaign_id(name: str) -> CampaignId:
    """Return the id in ``campaigns/{campaign}``."""
    return CampaignId(_id_of(name, "campaigns", "campaign"))


def list_id(name: str) -> ListId:
    """Return the id in ``lists/{list}``."""
    return ListId(_id_of(name, "lists", "list"))


def agent_id(name: str) -> AgentId:
    """Return the id in ``agents/{agent}``."""
    return AgentId(_id_of(name, "agents", "agent"))


def team_id(name: str) -> TeamId:
    """Return the id in ``teams/{team}``."""
    return TeamId(_id_of(name, "teams", "team"))


def trunk_id(name: str) -> TrunkId:
    """Return the id in ``trunks/{trunk}``."""
    return TrunkId(_id_of(name, "trunks", "trunk"))


def attempt_id(name: str) -> AttemptId:
    """Return the id in ``calls/{call}``."""
    match = _CALL.fullmatch(name)
    if match is None:
        raise _refuse("call name", name, "calls/{call}")
    return AttemptId(match[1])


def recording_id(name: str) -> RecordingId:
    """Return the id in ``recordings/{recording}``."""
    match = _RECORDING.fullmatch(name)
    if match is None:
        raise _refuse("recording name", name, "recordings/{recording}")
    return RecordingId(match[1])


def record_ref(name: str) -> RecordRef:
    """Return the record that ``lists/{list}/records/{record}`` names."""
    match = _RECORD.fullmatch(name)
    if match is None:
        raise _refuse("record name", name, "lists/{list}/records/{record}")
    return RecordRef(ListId(check_resource_id("list", match[1])), int(match[2]))


def import_of(name: str) -> tuple[ListId, str]:
    """Return list and import that ``lists/{list}/imports/{import}`` names."""
    match = _IMPORT.fullmatch(name)
    if match is None:
        raise _refuse("import name", name, "lists/{list}/imports/{import}")
    return ListId(check_resource_id("list", match[1])), check_resource_id("import", match[2])


def campaign_list(name: str) -> tuple[CampaignId, ListId]:
    """Return campaign and list that ``campaigns/{campaign}/lists/{list}`` names."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "campaigns" or parts[2] != "lists":
        raise _refuse("campaign list name", name, "campaigns/{campaign}/lists/{list}")
    return (
        CampaignId(check_resource_id("campaign", parts[1])),
        ListId(check_resource_id("list", parts[3])),
    )


def name_of(collection: str, value: str) -> str:
    """Return a resource name, or the empty string for no id."""
    return f"{collection}/{value}" if value else ""


def record_name(list_: str, row: int) -> str:
    """Return a record's resource name."""
    return f"lists/{list_}/records/{row}"


def campaign_list_name(campaign: str, list_: str) -> str:
    """Return the name of a list in a campaign."""
    return f"campaigns/{campaign}/lists/{list_}"


def clean_text(field: str, value: str) -> str:
    """Return text as it is if it may reach screens, SIP headers and logs.

    Args:
        field: The field it is from, for the refusal's text.
        value: The text.

    Raises:
        InvalidRequestError: It holds control characters or marks that turn the writing direction.
    """
    for character in value:
        if character in _BIDI_MARKS or unicodedata.category(character) == "Cc":
            raise InvalidRequestError(
                f"{field} holds the character U+{ord(character):04X}, which is not text",
                slug="invalid-text",
            )
    return value


def clean_notes(field: str, value: str) -> str:
    """Return free text as it is; unlike ``clean_text``, with line breaks and tabs allowed."""
    clean_text(field, value.translate({9: " ", 10: " ", 13: " "}))
    return value


def prompt(field: str, value: str) -> str:
    """Return the name of a prompt as it is.

    Raises:
        InvalidRequestError: It is no text, or a path that climbs.
    """
    clean_text(field, value)
    if ".." in value.split("/"):
        raise InvalidRequestError(f"{field} must not hold '..'", slug="invalid-prompt")
    return value
