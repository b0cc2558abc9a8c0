"""The last question before an INVITE leaves: is it still wanted, still lawful, still recorded?"""

from engine.compliance.ledger import NumberLedger
from engine.domain.ids import CampaignId
from engine.ports import PlaceCall

DRAINING = "draining"
JOURNAL_UNWRITABLE = "journal-unwritable"
CLOCK_UNTRUSTED = "clock-untrusted"
STOPPED = "stopped"
ON_DNC = "on-dnc"
UNRECORDABLE = "recorder-down"
UNKNOWN_ZONE = "unknown-zone"
OUTSIDE_HOURS = "outside-hours"

REASONS = (
    DRAINING,
    JOURNAL_UNWRITABLE,
    CLOCK_UNTRUSTED,
    STOPPED,
    UNRECORDABLE,
    ON_DNC,
    UNKNOWN_ZONE,
    OUTSIDE_HOURS,
)
"""Every answer but yes, in the order in which they are asked."""


class CallGate:
    """Holds what may change between a record's reservation and its INVITE (D4 to D7).

    It fails closed: nothing leaves for a campaign that was not opened.
    """

    __slots__ = (
        "_clock_trusted",
        "_draining",
        "_journal_writable",
        "_ledger",
        "_open",
        "_unrecordable",
    )

    def __init__(self, ledger: NumberLedger) -> None:
        """Take the ledger whose do-not-call list is asked."""
        self._ledger = ledger
        self._open: dict[CampaignId, int] = {}
        self._clock_trusted = True
        self._journal_writable = True
        self._draining = False
        self._unrecordable: frozenset[CampaignId] = frozenset()

    def open(self, campaign_id: CampaignId, generation: int) -> None:
        """Let a campaign's run call; an older run than the one open changes nothing (D12)."""
        if generation >= self._open.get(campaign_id, generation):
            self._open[campaign_id] = generation

    def close(self, campaign_id: CampaignId) -> None:
        """Let nothing of a campaign leave, from this very instant (D6)."""
        self._open.pop(campaign_id, None)

    def trust_clock(self, trusted: bool) -> None:
        """Say whether the wall clock can be relied upon (T1)."""
        self._clock_trusted = trusted

    def trust_journal(self, writable: bool) -> None:
        """Say whether intents can be made durable (B2)."""
        self._journal_writable = writable

    def hold_unrecorded(self, campaigns: frozenset[CampaignId]) -> None:
        """Let nothing leave for campaigns whose calls must be recorded and cannot be (R3)."""
        self._unrecordable = campaigns

    @property
    def clock_trusted(self) -> bool:
        """Whether the wall clock can be relied upon."""
        return self._clock_trusted

    @property
    def journal_writable(self) -> bool:
        """Whether intents can be made durable."""
        return self._journal_writable

    @property
    def draining(self) -> bool:
        """Whether the engine goes down."""
        return self._draining

    def drain(self) -> None:
        """Let nothing leave any more: the engine goes down."""
        self._draining = True

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Return None when the INVITE may leave, else the slug of the reason why not."""
        checks = (
            (self._draining, DRAINING),
            (not self._journal_writable, JOURNAL_UNWRITABLE),
            (not self._clock_trusted, CLOCK_UNTRUSTED),
            (self._open.get(call.campaign_id) != call.generation, STOPPED),
            (call.campaign_id in self._unrecordable, UNRECORDABLE),
            (self._ledger.on_dnc(call.number), ON_DNC),
            (not call.licence.zones, UNKNOWN_ZONE),
            (call.licence.number != call.number, OUTSIDE_HOURS),
            (not now_s < call.licence.closes_s, OUTSIDE_HOURS),
        )
        return next((reason for refused, reason in checks if refused), None)
