"""What actors say to adapters, inside ``Do``, and what adapters answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.ids import AgentId, CampaignId, ListId, SessionId
from engine.domain.refusals import JournalError


@dataclass(frozen=True, slots=True)
class Journal:
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


@dataclass(frozen=True, slots=True)
class Journaled:
    """Facts are durable, or the journal could not be written.

    Attributes:
        token: From ``Journal``.
        error: None when durable.
    """

    token: object
    error: JournalError | None


@dataclass(frozen=True, slots=True)
class ReadFields:
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


@dataclass(frozen=True, slots=True)
class FieldsRead:
    """What a field of records holds.

    Attributes:
        token: From ``ReadFields``.
        values: In the order of the rows; empty where a record has no such field.
    """

    token: object
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Let INVITEs of a campaign's run leave."""

    campaign_id: CampaignId
    generation: int


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Let no INVITE of a campaign leave, from this very instant."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True)
class BlockNumber:
    """Put a number on the internal do-not-call list from this very instant."""

    number: E164


@dataclass(frozen=True, slots=True)
class PublishGauges:
    """Give the metrics board an object's newest gauges (``engine.metrics.gauges``).

    Attributes:
        object_id: Whose, as the board names it.
        gauges: The values.
    """

    object_id: str
    gauges: object


@dataclass(frozen=True, slots=True)
class NotifyDesk:
    """Tell an agent's desktop something (``engine.actors.desk``)."""

    agent_id: AgentId
    event: object


@dataclass(frozen=True, slots=True)
class NotifySupervisor:
    """Tell a supervisor's stream something (``engine.actors.desk``)."""

    session_id: SessionId
    event: object


@dataclass(frozen=True, slots=True)
class PublishPacing:
    """Give watchers what pacing saw and decided for one campaign at one tick."""

    campaign_id: CampaignId
    row: object


@dataclass(frozen=True, slots=True)
class SavePacing:
    """Keep learned laws."""

    laws: Mapping[CampaignId, bytes]


@dataclass(frozen=True, slots=True)
class ForgetSession:
    """Drop an ended supervision session from the registry."""

    session_id: SessionId
