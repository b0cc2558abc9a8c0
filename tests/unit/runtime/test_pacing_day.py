"""What pacing decided is summed by minutes, kept, and read back as a day."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from engine.actors.messages import PacingView
from engine.domain.facts import CampaignStopped, PacingSummed
from engine.domain.ids import CampaignId
from engine.ports import StoredFact
from engine.runtime.pacing_day import PacingDay, day_at
from engine.runtime.pacing_minutes import PacingMinutes

SPRING = CampaignId("spring")
VIEW = PacingView(
    at_s=100.0, effective_mode="predictive", ready=1.0, idle=2.0, freeing=1.5, asking=2.5,
    in_flight=4, started=3, answer_ratio=0.3, answer_ratio_error=0.01, tau=0.02, budget=5.0,
    level=1.5, reason="risk",
)  # fmt: skip


def test_a_decision_holds_until_the_next_one() -> None:
    minutes = PacingMinutes()
    minutes.note(SPRING, VIEW)
    minutes.note(SPRING, replace(VIEW, at_s=110.0, idle=0.5, reason="budget", tau=0.05, started=1))
    minutes.note(SPRING, replace(VIEW, at_s=150.0, budget=2.0, started=0))
    (fact,) = minutes.close(160.0)
    assert fact.held_s == {"risk": 20.0, "budget": 40.0}
    assert fact.idle_s == {"risk": 40.0, "budget": 20.0}
    assert (fact.length_s, fact.decisions, fact.calls_started) == (60.0, 3, 4)
    assert fact.tau == pytest.approx((20 * 0.02 + 40 * 0.05) / 60)
    assert fact.budget_calls == 2.0


def test_the_last_decision_goes_on_into_the_next_minute() -> None:
    minutes = PacingMinutes()
    minutes.note(SPRING, VIEW)
    minutes.close(160.0)
    minutes.note(SPRING, replace(VIEW, at_s=170.0, reason="trunk"))
    (fact,) = minutes.close(180.0)
    assert fact.held_s == {"risk": 10.0, "trunk": 10.0}


def test_a_campaign_that_does_not_run_is_not_summed() -> None:
    minutes = PacingMinutes()
    stopped = replace(VIEW, reason="not-running")
    minutes.note(SPRING, stopped)
    assert not minutes.close(160.0)
    minutes.note(SPRING, replace(VIEW, at_s=200.0))
    minutes.note(SPRING, replace(stopped, at_s=215.0))
    (fact,) = minutes.close(220.0)
    assert (fact.length_s, fact.held_s) == (15.0, {"risk": 15.0})
    assert not minutes.close(280.0)


def test_a_deleted_campaign_is_forgotten() -> None:
    minutes = PacingMinutes()
    minutes.note(SPRING, VIEW)
    assert minutes.close(160.0)
    minutes.close(220.0)
    assert not minutes.close(280.0)


def minute(ends_s: float, campaign_id: CampaignId = SPRING) -> PacingSummed:
    return PacingSummed(
        at_s=ends_s, campaign_id=campaign_id, length_s=60.0, held_s={"risk": 40.0, "trunk": 20.0},
        idle_s={"trunk": 30.0}, decisions=240, calls_started=2, ready_agents=1.0,
        calls_in_flight=2.0, answer_ratio=0.3, tau=0.02, budget_calls=3.0, dial_level=1.0,
    )  # fmt: skip


class Log:
    """A log that tells how much of it was read."""

    def __init__(self, facts: Sequence[PacingSummed | CampaignStopped]) -> None:
        self.facts = [StoredFact(at, fact) for at, fact in enumerate(facts, 1)]
        self.told = 0

    async def read(self, after: int, limit: int) -> Sequence[StoredFact]:
        page = self.facts[after : after + limit]
        self.told += len(page)
        return page


def read_day(log: Log, day: date, zone: str = "America/New_York") -> PacingDay:
    report = PacingDay.of(SPRING, zone, day)
    asyncio.run(report.read(log.read, len(log.facts)))
    return report


def test_a_day_has_the_minutes_that_end_in_it_where_the_centre_is() -> None:
    midnight_s = datetime(2026, 3, 9, 4, tzinfo=UTC).timestamp()  # summer time since the day before
    edges = [midnight_s - 60, midnight_s, midnight_s + 60, midnight_s + 86_400, midnight_s + 86_460]
    log = Log([minute(at_s) for at_s in edges])
    assert [each.at_s for each in read_day(log, date(2026, 3, 9)).minutes] == edges[2:4]
    assert day_at("America/New_York", midnight_s - 1) == date(2026, 3, 8)


def test_the_day_of_a_clock_change_is_shorter() -> None:
    report = PacingDay.of(SPRING, "America/New_York", date(2026, 3, 8))
    assert report.ends_s - report.begins_s == 23 * 3600


def test_a_day_is_found_without_reading_the_log_before_it() -> None:
    begins_s = datetime(2026, 3, 9, tzinfo=UTC).timestamp()
    facts: list[PacingSummed | CampaignStopped] = [
        CampaignStopped(at_s=begins_s - second, campaign_id=SPRING, generation=1, by="x")
        for second in range(100_000, 3_600, -2)
    ]
    log = Log([*facts, minute(begins_s + 60), minute(begins_s + 60, CampaignId("other"))])
    report = read_day(log, date(2026, 3, 9), "UTC")
    assert len(report.minutes) == 1
    assert log.told < 100
    assert read_day(Log([]), date(2026, 3, 9)).minutes == []


def test_most_idle_time_comes_first() -> None:
    begins_s = datetime(2026, 3, 9, tzinfo=UTC).timestamp()
    report = read_day(Log([minute(begins_s + 60), minute(begins_s + 120)]), date(2026, 3, 9), "UTC")
    assert report.holds() == [("trunk", 40.0, 60.0), ("risk", 80.0, 0.0)]
    assert (report.length_s, report.calls_started) == (120.0, 4)
