"""What actors say to adapters, inside ``Do``, and what adapters answer."""

from collections.abc import Mapping

import msgspec

from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.ids import AgentId, CampaignId, ListId, SessionId
from engine.domain.refusals import JournalError


class Journal(msgspec.Struct, frozen=True):
    """Make facts durable.

    Attributes:
        facts: In order, all or none.
        token: What ``Journaled`` will carry; None: no answer wanted.
        keep: Whether they happened in any case, and are tried again until they are durable. What
            is only wanted (an intent, a start) is refused instead.
    """

    facts: tuple[AnyFact, ...]
    token: object = None
    keep: bool = False


class Journaled(msgspec.Struct, frozen=True):
    """Facts are durable, or the journal could not be written.

    Attributes:
        token: From ``Journal``.
        error: None when durable.
    """

    token: object
    error: JournalError | None


class ReadFields(msgspec.Struct, frozen=True):
    """Read a custom field of records of one list; answered by ``FieldsRead``.

    Attributes:
        list_id: The list.
        rows: Of the records.
        field: Name of the field.
        token: What ``FieldsRead`` will carry.
    """

    list_id: ListId
    rows: tuple[int, ...]
    field: str
    token: object


class FieldsRead(msgspec.Struct, frozen=True):
    """What a field of records holds.

    Attributes:
        token: From ``ReadFields``.
        values: In the order of the rows; empty where a record has no such field.
    """

    token: object
    values: tuple[str, ...]


class OpenGate(msgspec.Struct, frozen=True):
    """Let INVITEs of a campaign's run leave."""

    campaign_id: CampaignId
    generation: int


class CloseGate(msgspec.Struct, frozen=True):
    """Let no INVITE of a campaign leave, from this very instant."""

    campaign_id: CampaignId


class BlockNumber(msgspec.Struct, frozen=True):
    """Put a number on the internal do-not-call list from this very instant."""

    number: E164


class PublishGauges(msgspec.Struct, frozen=True):
    """Give the metrics board an object's newest gauges (``engine.metrics.gauges``).

    Attributes:
        object_id: Whose, as the board names it.
        gauges: The values.
    """

    object_id: str
    gauges: object


class NotifyDesk(msgspec.Struct, frozen=True):
    """Tell an agent's desktop something (``engine.actors.desk``)."""

    agent_id: AgentId
    event: object


class NotifySupervisor(msgspec.Struct, frozen=True):
    """Tell a supervisor's stream something (``engine.actors.desk``)."""

    session_id: SessionId
    event: object


class PublishPacing(msgspec.Struct, frozen=True):
    """Give watchers what pacing saw and decided for one campaign at one tick."""

    campaign_id: CampaignId
    row: object


class SavePacing(msgspec.Struct, frozen=True):
    """Keep learned laws."""

    laws: Mapping[CampaignId, bytes]


class ForgetSession(msgspec.Struct, frozen=True):
    """Drop an ended supervision session from the registry."""

    session_id: SessionId
