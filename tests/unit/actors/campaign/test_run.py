"""Start, Stop and the schedule: what is acknowledged is durable, and edges act once."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from engine.actors.kernel.effects import Effect
from engine.actors.messages import (
    CampaignMessage,
    CampaignMoved,
    CloseGate,
    ConfigureCampaign,
    EdgeReached,
    Journal,
    Journaled,
    OpenGate,
    PermitsGranted,
    RecordsReserved,
    Recover,
    ReleaseRecord,
    ReturnPermits,
    StartCalls,
    StartCampaign,
    StopCampaign,
    WithdrawRequests,
    WorkFinished,
)
from engine.domain.causes import HUNG_UP, cause_of_status
from engine.domain.facts import (
    AttemptClosed,
    CampaignStarted,
    CampaignStopped,
    ScheduleEdgePassed,
)
from engine.domain.refusals import JournalError
from engine.domain.specs import ListLink, Mode, RunWindow
from engine.machines.campaign import CampaignPhase
from engine.ports import LegEnded, PlaceCall, RunState
from tests.unit.actors.campaign.rig import (
    ANN,
    CENTRE,
    NORTH,
    PEOPLE,
    SOUTH,
    Rig,
    record_of,
    spec_of,
)

AFTERNOON = (RunWindow(starts_s=14 * 3_600, stops_s=18 * 3_600),)
LOST = JournalError("disk full")


# --- Start and Stop -----------------------------------------------------------------------------


def test_a_start_is_acknowledged_and_opens_the_gate_once_durable() -> None:
    rig = Rig()
    rig.resolve(rig.tell(StartCampaign("operator", rig.run_answers.place())))
    assert (rig.run_answers.values, rig.all_done(OpenGate)) == ([], [])
    answers = rig.resolve(rig.journal())
    assert [(each.already, each.phase) for each in answers] == [(False, CampaignPhase.RUNNING)]
    assert [each.generation for each in rig.all_done(OpenGate)] == [1]
    assert rig.told("pacer", CampaignMoved)[-1].running


def test_a_start_that_is_not_durable_is_taken_back_whole() -> None:
    rig = Rig()
    rig.tell(StartCampaign("operator", rig.run_answers.place()))
    rig.resolve(rig.journal(LOST))
    assert rig.run_answers.slugs == ["journal-unwritable"]
    assert rig.all_done(OpenGate) == []
    assert rig.view().phase is CampaignPhase.IDLE


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        pytest.param({"hours": ()}, "calling hours", id="hours"),
        pytest.param({"lists": (ListLink(PEOPLE),)}, "an enabled list", id="list"),
        pytest.param({"trunks": ()}, "a trunk", id="trunk"),
        pytest.param({"caller_id": None}, "a caller id", id="caller id"),
        pytest.param({"teams": ()}, "a team", id="team"),
        pytest.param({"mode": Mode.AUTOMATIC}, "a prompt to play", id="prompt"),
    ],
)
def test_a_campaign_that_lacks_something_does_not_start(
    changes: dict[str, object], lacking: str
) -> None:
    rig = Rig(spec_of(**changes))
    rig.resolve(rig.tell(StartCampaign("operator", rig.run_answers.place())))
    (error,) = rig.run_answers.errors
    assert lacking in error.message
    assert rig.facts(CampaignStarted) == []


def test_start_on_running_and_stop_on_idle_say_already() -> None:
    rig = Rig()
    rig.resolve(rig.stop())
    rig.start()
    rig.resolve(rig.tell(StartCampaign("operator", rig.run_answers.place())))
    assert [each.already for each in rig.run_answers.values] == [True, True]
    assert len(rig.facts(CampaignStarted)) == 1


def test_stop_closes_the_gate_before_anything_else() -> None:
    rig = Rig()
    rig.start()
    effects = rig.stop()
    assert rig.done_by(effects[:1], CloseGate) != []
    assert not rig.told("pacer", CampaignMoved)[-1].running


def test_a_stop_is_kept_until_durable_and_so_is_who_asks_again() -> None:
    rig = Rig()
    rig.start()
    rig.run_answers.values.clear()
    (journal,) = rig.done_by(rig.stop(), Journal)
    assert journal.keep
    rig.resolve(rig.stop())
    assert rig.run_answers.values == []
    rig.resolve(rig.tell(Journaled(journal.token, None)))
    assert [each.already for each in rig.run_answers.values] == [False, True]


def test_a_start_that_a_stop_overtakes_opens_nothing() -> None:
    rig = Rig()
    rig.tell(StartCampaign("operator", rig.run_answers.place()))
    rig.resolve(rig.tell(StartCampaign("operator", rig.run_answers.place())))
    rig.stop()
    rig.resolve(rig.journal())
    assert rig.run_answers.slugs == ["stopped", "stopped"]
    assert [each.already for each in rig.run_answers.values] == [False]
    assert rig.all_done(OpenGate) == []
    assert rig.view().phase is CampaignPhase.IDLE


def test_nobody_starts_or_stops_a_campaign_that_does_not_know_how_it_stood() -> None:
    rig = Rig(recovered=False)
    rig.resolve(rig.tell(StartCampaign("operator", rig.run_answers.place())))
    rig.resolve(rig.stop())
    assert rig.run_answers.slugs == ["recovers"] * 2


# --- Stop at every point of a call's way --------------------------------------------------------


def test_stop_before_the_permit() -> None:
    rig = Rig()
    rig.start()
    rig.tell(StartCalls(2))
    assert rig.told_by(rig.stop(), NORTH, WithdrawRequests) == [WithdrawRequests(rig.me)]
    effects = rig.tell(PermitsGranted(NORTH, 2))  # crossed the withdrawal
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(2)]


def test_stop_between_permit_and_reservation() -> None:
    rig = Rig()
    rig.start()
    asked = rig.ordered(2)
    rig.stop()
    effects = rig.tell(RecordsReserved(PEOPLE, 2, (record_of(1), record_of(2)), asked.purpose))
    assert [each.row for each in rig.told_by(effects, PEOPLE, ReleaseRecord)] == [1, 2]
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(2)]


def test_stop_between_reservation_and_durable_intent() -> None:
    rig = Rig()
    rig.start()
    rig.intended(1)
    rig.stop()
    assert rig.view().phase is CampaignPhase.STOPPING
    effects = rig.journal()
    assert rig.all_done(PlaceCall) == []
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)]
    assert [fact.counted for fact in rig.facts(AttemptClosed)] == [False]
    assert rig.view().phase is CampaignPhase.IDLE


@pytest.mark.parametrize("permitted", [False, True])
def test_stop_while_a_call_waits_for_its_second_trunk(permitted: bool) -> None:
    rig = Rig()
    rig.start()
    call = rig.placed()
    rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
    if permitted:
        rig.tell(PermitsGranted(SOUTH, 1))
    rig.stop()
    effects = rig.journal()
    assert len(rig.all_done(PlaceCall)) == 1
    assert len(rig.told_by(effects, SOUTH, ReturnPermits)) == permitted
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["network-failure"]
    assert rig.view().phase is CampaignPhase.IDLE


def test_what_is_under_way_at_a_stop_ends_normally() -> None:
    rig = Rig()
    rig.start()
    call = rig.connected()
    rig.stop()
    rig.journal()
    assert rig.view().phase is CampaignPhase.STOPPING
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    rig.tell(WorkFinished(call.attempt_id, ANN, 1.0))
    assert rig.view().phase is CampaignPhase.IDLE


# --- the schedule -------------------------------------------------------------------------------


def at(text: str, zone: str = CENTRE) -> float:
    """Return a local time of the contact centre as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


class Day(Rig):
    """A scheduled campaign through its hours; timers fire when their time has come."""

    def until(self, text: str) -> None:
        """Let time pass, acting on every timer of the schedule."""
        until_s = at(text)
        while True:
            timer = self.timer("schedule")
            due_s = self.set_s + timer.delay_s if timer else float("inf")
            if due_s > until_s:
                break
            self.now_s = due_s
            self.tell(EdgeReached())
            self.journal()
        self.now_s = until_s

    @property
    def set_s(self) -> float:
        """When the newest timer was set."""
        return self._set_s

    def tell(self, message: CampaignMessage) -> list[Effect]:
        effects = super().tell(message)
        if any(getattr(each, "key", None) == "schedule" for each in effects):
            self._set_s = self.now_s
        return effects

    def runs(self) -> bool:
        """Say whether it runs."""
        return self.view().phase is CampaignPhase.RUNNING

    def reborn(self, *, running: bool) -> "Day":
        """Return the campaign as a later life finds it."""
        passed = [fact.edge_s for fact in self.facts(ScheduleEdgePassed)]
        run = RunState(running, 7, passed[-1])
        return Day(spec_of(schedule=AFTERNOON), zone=CENTRE, run=run, now_s=self.now_s)


def a_day(text: str) -> Day:
    return Day(
        spec_of(schedule=AFTERNOON), zone=CENTRE, run=RunState(False, 0, 0.0), now_s=at(text)
    )


def test_it_runs_from_two_to_six() -> None:
    day = a_day("2026-06-01 10:00")
    assert day.view().next_edge_s == at("2026-06-01 14:00")
    day.until("2026-06-01 13:59:59")
    assert not day.runs()
    day.until("2026-06-01 14:00")
    assert day.runs()
    day.until("2026-06-01 17:59:59")
    assert day.runs()
    day.until("2026-06-01 18:00")
    assert not day.runs()


def test_started_by_hand_at_half_past_one_it_stops_at_six_by_itself() -> None:
    day = a_day("2026-06-01 13:30")
    day.start()
    day.until("2026-06-01 14:00")
    assert len(day.facts(CampaignStarted)) == 1
    day.until("2026-06-01 18:00")
    assert not day.runs()


def test_stopped_by_hand_at_three_it_starts_at_two_the_next_day() -> None:
    day = a_day("2026-06-01 13:30")
    day.until("2026-06-01 15:00")
    day.stop()
    day.journal()
    day.until("2026-06-02 13:59")
    assert not day.runs()
    day.until("2026-06-02 14:00")
    assert day.runs()


@pytest.mark.parametrize(
    ("down", "up", "was_running", "runs"),
    [
        pytest.param("13:00", "15:00", False, True, id="the start was missed"),
        pytest.param("15:00", "16:00", True, True, id="nothing was missed"),
        pytest.param("15:00", "16:00", False, False, id="stopped by hand before"),
        pytest.param("17:00", "19:00", True, False, id="the stop was missed"),
        pytest.param("13:00", "19:00", False, False, id="both were missed"),
    ],
)
def test_a_restart_replays_what_was_missed(
    down: str, up: str, was_running: bool, runs: bool
) -> None:
    day = a_day("2026-06-01 12:00")
    day.until(f"2026-06-01 {down}")
    day.now_s = at(f"2026-06-01 {up}")
    later = day.reborn(running=was_running)
    later.journal()
    assert later.runs() is runs
    assert later.view().next_edge_starts is (up == "19:00")


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_a_clock_change_moves_no_edge_of_the_afternoon(day: str) -> None:
    scheduled = a_day(f"{day} 00:30")
    scheduled.until(f"{day} 14:00")
    assert scheduled.runs()
    scheduled.until(f"{day} 18:00")
    assert not scheduled.runs()
    assert [fact.edge_s for fact in scheduled.facts(ScheduleEdgePassed)][-2:] == [
        at(f"{day} 14:00"),
        at(f"{day} 18:00"),
    ]


def test_an_edge_and_what_it_causes_are_one_entry_that_is_kept() -> None:
    day = a_day("2026-06-01 13:59")
    day.now_s = at("2026-06-01 14:00")
    (journal,) = day.done_by(day.tell(EdgeReached()), Journal)
    assert [type(fact) for fact in journal.facts] == [ScheduleEdgePassed, CampaignStarted]
    assert journal.keep
    day.journal()
    day.now_s = at("2026-06-01 18:00")
    (journal,) = day.done_by(day.tell(EdgeReached()), Journal)
    assert [type(fact) for fact in journal.facts] == [ScheduleEdgePassed, CampaignStopped]


def test_past_edges_of_a_changed_schedule_are_none_also_after_a_restart() -> None:
    day = Day(spec_of(), zone=CENTRE, now_s=at("2026-06-01 15:00"))
    day.tell(ConfigureCampaign(spec_of(schedule=AFTERNOON)))
    assert not day.runs()
    day.now_s = at("2026-06-01 15:05")
    later = day.reborn(running=False)
    later.journal()
    assert not later.runs()


def test_an_incomplete_campaign_passes_its_start_edge_and_stays_idle() -> None:
    day = Day(
        spec_of(schedule=AFTERNOON, trunks=()),
        zone=CENTRE,
        run=RunState(False, 0, 0.0),
        now_s=at("2026-06-01 13:00"),
    )
    day.until("2026-06-01 15:00")
    assert not day.runs()
    assert day.facts(ScheduleEdgePassed)[-1].start


def test_a_schedule_taken_away_acts_no_more() -> None:
    day = a_day("2026-06-01 13:00")
    effects = day.tell(ConfigureCampaign(spec_of()))
    assert any(type(each).__name__ == "CancelTimer" for each in effects)
    assert day.view().next_edge_s == 0.0


def test_a_recovered_run_dials_on() -> None:
    rig = Rig(run=RunState(True, 4, 1.0))
    assert [each.generation for each in rig.all_done(OpenGate)] == [4]
    rig.tell(StopCampaign("operator"))
    assert rig.facts(CampaignStopped)[-1].generation == 5


def test_recover_may_come_again_after_a_fault() -> None:
    rig = Rig(run=RunState(False, 4, 1.0))
    rig.tell(Recover(RunState(True, 5, 1.0), (), new_life=False))
    assert rig.view().phase is CampaignPhase.RUNNING
