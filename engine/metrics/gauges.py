"""Instant values as the actors tell them; their fields are ids of the catalogue.

None means that nothing is known, and the row then has no such value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

Value = int | float | str
Row = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignGauges:
    """What a campaign (with its lists and the pacer) knows of this instant."""

    running: str | None = None
    mode: str | None = None
    effective_mode: str | None = None
    overdial_rate: float | None = None
    teams: str | None = None
    hours_of_operation: str | None = None
    agents_previewing: int | None = None
    calls_dialing: int | None = None
    calls_waiting_agent: int | None = None
    max_wait: float | None = None
    calls_in_cpa: int | None = None
    calls_in_ivr: int | None = None
    calls_active: int | None = None
    records_total: int | None = None
    completed_pct: float | None = None
    records_remaining: int | None = None
    records_untouched: int | None = None
    records_callable_now: int | None = None
    records_rescheduled: int | None = None
    records_in_progress: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGauges:
    """What a list knows of this instant in one campaign."""

    list_name: str | None = None
    status: str | None = None
    order: int | None = None
    dialing_ratio: int | None = None
    records_total: int | None = None
    records_imported: int | None = None
    completed_pct: float | None = None
    records_remaining: int | None = None
    records_untouched: int | None = None
    records_callable_now: int | None = None
    records_rescheduled: int | None = None
    records_in_progress: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGauges:
    """What an agent's actor knows of this instant; state and times in it come from facts."""

    active: int | None = None
    hold: float | None = None
    interaction: str | None = None
    interaction_direction: str | None = None
    preview_duration: float | None = None
    service: str | None = None
    talk: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamGauges:
    """What is known of a team within a campaign besides its agents."""

    team_name: str | None = None


Gauges = CampaignGauges | ListGauges | AgentGauges | TeamGauges


def merge(counters: Mapping[str, Value], gauges: Gauges | None) -> Row:
    """Return one row of both; a gauge wins over a counter's value of the same id."""
    row = dict(counters)
    if gauges is not None:
        for item in fields(gauges):
            value = getattr(gauges, item.name)
            if value is not None:
                row[item.name] = value
    return row
