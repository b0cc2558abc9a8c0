"""An attempt under way, as far as counting needs it."""

from dataclasses import dataclass

from engine.domain.ids import CampaignId, ListId


@dataclass(slots=True)
class OpenCall:
    """One attempt.

    Attributes:
        campaign_id: Whose.
        list_id: List of its record.
        row: Row of its record.
        retry: Whether it is a quick retry.
        answered: Whether it was answered.
        screening: Whether call progress analysis listens to it.
        live: Whether it was counted as answered by a person.
        queued_s: When it was queued for an agent, or None. [s since the epoch]
        connected: Whether an agent had it.
        active: Whether an agent has it.
        unattended: Whether it was counted as unattended.
        treated: Whether it was counted as treated by an automated scenario.
        treated_s: When the treatment under way began, or None. [s since the epoch]
    """

    campaign_id: CampaignId
    list_id: ListId
    row: int
    retry: bool
    answered: bool = False
    screening: bool = False
    live: bool = False
    queued_s: float | None = None
    connected: bool = False
    active: bool = False
    unattended: bool = False
    treated: bool = False
    treated_s: float | None = None
