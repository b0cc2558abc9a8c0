"""How sums become the values of a row; names are ids of the catalogue."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine.domain.ids import ListId
from engine.domain.specs import CampaignSpec, RuleWindow, RunWindow
from engine.metrics.agents import ACW, BUSY, NOT_READY, READY, AgentDay
from engine.metrics.calls import OpenCall
from engine.metrics.catalogue import DISPOSITION_SERIES
from engine.metrics.gauges import Row
from engine.metrics.tallies import Tally, Trends, put_mean, put_share

_CAMPAIGN_SUMS = (
    "calls_attempted",
    "call_retries",
    "calls_answered",
    "calls_live_answered",
    "calls_queued",
    "calls_handled",
    "calls_abandoned",
    "calls_dropped",
    "calls_unattended",
    "calls_ivr",
    "calls_rpc",
    "disp_abandoned_cpa",
    "records_success",
    "records_rpc",
    "records_excluded",
    "records_dialed",
    "records_queued",
    "records_handled",
    "records_completed",
    "preview_items",
    "preview_time",
    "answer_time",
    "talk_time",
    "hold_time",
    "acw_time",
    "ivr_time",
)
_LIST_SUMS = (
    "records_completed",
    "records_excluded",
    "calls_attempted",
    "calls_answered",
    "calls_handled",
    "calls_unattended",
    "records_success",
)
_DISPOSITIONS = (
    "no-agent",
    "no-answer",
    "busy",
    "answering-machine",
    "fax",
    "silence",
    "invalid-number",
    "network-failure",
    "system-failure",
)
_RULE_WINDOWS = (
    frozenset({RuleWindow.CALENDAR_DAY, RuleWindow.ROLLING_24H}),
    frozenset({RuleWindow.ROLLING_30D}),
)
"""Windows of rules that the share since the reset, and the rolling one, stand for."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(slots=True)
class AgentSums:
    """What some agents come to together, seen from one campaign."""

    logged_in: int = 0
    ready: int = 0
    not_ready: int = 0
    busy: int = 0
    busy_campaign: int = 0
    acw: int = 0
    acw_campaign: int = 0
    active: int = 0
    handled: int = 0
    finished: int = 0
    handle_s: float = 0.0
    handling_s: float = 0.0
    working_s: float = 0.0
    idle_s: float = 0.0
    idle_spans: int = 0


def agent_sums(days: Iterable[AgentDay], campaign_id: str, now_s: float) -> AgentSums:
    """Add up agents; busy includes after-call work, as the guide counts it."""
    sums = AgentSums()
    for day in days:
        here = day.campaign_id == campaign_id
        sums.logged_in += day.logged_in
        sums.ready += day.state == READY
        sums.not_ready += day.state == NOT_READY
        sums.acw += day.state == ACW
        sums.acw_campaign += here and day.state == ACW
        sums.busy += day.state in {BUSY, ACW}
        sums.busy_campaign += here and day.state in {BUSY, ACW}
        sums.active += day.connected_s is not None
        sums.handled += day.handled
        sums.finished += day.finished
        sums.handle_s += day.handle_s(now_s)
        sums.handling_s += day.handling_s(now_s)
        sums.working_s += day.working_s(now_s)
        sums.idle_s += day.idle_s
        sums.idle_spans += day.idle_spans
    return sums


def campaign_row(
    *,
    tally: Tally,
    trends: Trends,
    calls: Collection[OpenCall],
    agents: AgentSums,
    spec: CampaignSpec | None,
    running: bool,
    now_s: float,
) -> Row:
    """Return a campaign's values."""
    row: Row = {name: getattr(tally, name) for name in _CAMPAIGN_SUMS}
    row["running"] = "running" if running else "idle"
    _put_settings(row, spec)
    _put_stages(row, calls, now_s)
    _put_agents(row, agents)
    _put_dispositions(row, tally)
    _put_rates(row, tally, trends, now_s)
    _put_losses(row, spec, tally, trends, now_s)
    return row


def _put_settings(row: Row, spec: CampaignSpec | None) -> None:
    if spec is not None:
        row["mode"] = spec.mode.value
        row["teams"] = ", ".join(sorted(spec.teams))
        row["hours_of_operation"] = "; ".join(map(_window_text, spec.schedule))


def _window_text(window: RunWindow) -> str:
    days = " ".join(_DAYS[day] for day in window.days) if len(window.days) < len(_DAYS) else ""
    span = f"{_clock(window.starts_s)}-{_clock(window.stops_s)}"
    return f"{days} {span}".strip()


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}"


def _put_stages(row: Row, calls: Collection[OpenCall], now_s: float) -> None:
    queued = [call.queued_s for call in calls if not call.connected]
    waits_s = [max(0.0, now_s - since_s) for since_s in queued if since_s is not None]
    row["calls_dialing"] = sum(not call.answered for call in calls)
    row["calls_in_cpa"] = sum(call.screening for call in calls)
    row["calls_waiting_agent"] = len(waits_s)
    row["max_wait"] = max(waits_s, default=0.0)
    row["calls_active"] = sum(call.active for call in calls)


def _put_agents(row: Row, agents: AgentSums) -> None:
    row["agents_logged_in"] = agents.logged_in
    row["agents_ready"] = agents.ready
    row["agents_not_ready"] = agents.not_ready
    row["agents_busy"] = agents.busy
    row["agents_busy_campaign"] = agents.busy_campaign
    row["agents_acw"] = agents.acw_campaign
    put_share(row, "agent_occupancy", agents.handling_s, agents.working_s)


def _put_dispositions(row: Row, tally: Tally) -> None:
    row["disposition_count"] = sum(tally.dispositions.values())
    for slug in _DISPOSITIONS:
        row[f"disp_{slug.replace('-', '_')}"] = tally.dispositions.get(slug, 0)
    for slug, count in sorted(tally.dispositions.items()):
        row[DISPOSITION_SERIES + slug] = count


def _put_rates(row: Row, tally: Tally, trends: Trends, now_s: float) -> None:
    row["dialing_rate"] = trends.attempts.total(now_s) * 60.0 / trends.attempts.length_s
    put_share(row, "answer_rate", tally.calls_answered, tally.calls_attempted)
    put_share(row, "abandoned_pct", tally.calls_abandoned, tally.calls_queued)
    put_share(row, "success_rate", tally.records_success, tally.records_completed)
    handle_s = tally.talk_time + tally.hold_time + tally.acw_time
    put_mean(row, "avg_handle_time", handle_s, tally.calls_handled)
    put_mean(row, "avg_answer_time", tally.answer_time, tally.calls_handled)
    put_mean(row, "avg_preview_time", tally.preview_time, tally.preview_items)
    put_mean(row, "avg_agent_idle", tally.idle_time, tally.idle_spans)


def _put_losses(
    row: Row, spec: CampaignSpec | None, tally: Tally, trends: Trends, now_s: float
) -> None:
    """Put the shares that rules cap (A3).

    Persons only: machines in the denominator would hide what they have no part in. Persons whom
    analysis cut off are estimated from those it passed on, and count where a rule counts them.
    """
    ratio = spec.false_machine_ratio if spec is not None else 0.0
    windows = frozenset(spec.false_machine_windows) if spec is not None else frozenset()
    of_day, of_month = (ratio / (1.0 - ratio) * bool(windows & part) for part in _RULE_WINDOWS)
    cut_off = of_day * tally.calls_passed
    row["calls_cut_off"] = cut_off
    unattended, answered = tally.calls_unattended, tally.calls_live_answered
    put_share(row, "unattended_pct", unattended + cut_off, answered + cut_off)
    unattended, answered = trends.unattended.total(now_s), trends.answered.total(now_s)
    cut_off = of_month * trends.passed.total(now_s)
    put_share(row, "unattended_pct_rolling", unattended + cut_off, answered + cut_off)


def list_row(
    *,
    tally: Tally,
    name: str,
    list_id: ListId,
    campaign: CampaignSpec | None,
    imported: int,
    rejected: int,
) -> Row:
    """Return the values of a list in a campaign."""
    row: Row = {field: getattr(tally, field) for field in _LIST_SUMS}
    row["list_name"] = name or list_id
    row["records_imported"] = imported
    row["records_invalid"] = rejected
    links = campaign.lists if campaign is not None else ()
    link = next((item for item in links if item.list_id == list_id), None)
    if link is not None:
        row["status"] = "enabled" if link.enabled else "disabled"
        row["order"] = link.order
        row["dialing_ratio"] = link.ratio
    put_share(row, "success_rate", tally.records_success, tally.records_completed)
    return row


def team_row(name: str, agents: AgentSums) -> Row:
    """Return the values of a team in a campaign; calls are those of any campaign."""
    row: Row = {
        "team_name": name,
        "agents_logged_in": agents.logged_in,
        "agents_ready": agents.ready,
        "agents_busy": agents.busy,
        "agents_busy_campaign": agents.busy_campaign,
        "agents_not_ready": agents.not_ready,
        "agents_acw": agents.acw,
        "out_active": agents.active,
        "out_handled": agents.handled,
        # An outbound call reaches an agent's hands once the remote party has answered.
        "out_answered": agents.handled,
    }
    put_share(row, "occupancy", agents.handling_s, agents.working_s)
    put_mean(row, "avg_handle_time", agents.handle_s, agents.finished)
    put_mean(row, "out_avg_handle_time", agents.handle_s, agents.finished)
    put_mean(row, "avg_idle_time", agents.idle_s, agents.idle_spans)
    return row
