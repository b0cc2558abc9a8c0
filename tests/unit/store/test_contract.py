"""What every store keeps its word about."""

import msgspec
from msgspec.structs import replace

from engine.domain.facts import (
    AgentLegClosed,
    AgentLegIntended,
    AgentLegOpened,
    AttemptAnswered,
    AttemptRerouted,
    CallConnected,
    CampaignStarted,
    CampaignStopped,
    DialogMoved,
    DncRemoved,
    RecordChanged,
    RecordPhase,
    ResourceDeleted,
    ResourcePut,
    ScheduleEdgePassed,
)
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.ports import RunState, StoredFact
from tests.unit.store.lives import Life
from tests.unit.store.makers import (
    AGENT,
    CAMPAIGN,
    LIST,
    batch,
    closed,
    disposed,
    dnc,
    imported,
    intended,
)


def _reborn(life: Life) -> Life:
    """Close and open; the fixture's teardown closes the old one again, which is harmless."""
    return life.reborn()


def test_the_first_life_has_epoch_one_and_nothing_else(life: Life) -> None:
    state = life.store.recovered
    assert (state.epoch, state.last_sequence) == (1, 0)
    assert not [*state.resources, *state.open_attempts, *state.open_agent_legs, *state.dnc]
    assert not [*state.runs, *state.pacing]


def test_facts_are_numbered_from_one_without_gaps_and_told_before_the_answer(life: Life) -> None:
    order: list[str] = []
    life.store.commit([dnc(1), dnc(2)], lambda error: order.append(f"{len(life.told)} {error}"))
    life.store.commit([dnc(3)], lambda error: order.append(f"{len(life.told)} {error}"))
    life.run_while(lambda: len(order) < 2)
    assert life.told == [StoredFact(n, dnc(n)) for n in (1, 2, 3)]
    assert [text.split()[1] for text in order] == ["None", "None"]
    assert int(order[0].split()[0]) >= 2


def test_nothing_is_answered_from_inside_the_call(life: Life) -> None:
    life.begin(dnc(1))
    life.store.read(0, 10, lambda _: life.answers.append(None))
    assert life.answers == []
    life.run_while(lambda: len(life.answers) < 2)


def test_an_empty_commit_is_answered(life: Life) -> None:
    life.commit()
    assert life.answers == [None]
    assert life.told == []


def test_the_log_is_read_back_from_any_place(life: Life) -> None:
    life.commit(*(dnc(n) for n in range(1, 8)))
    assert [stored.sequence for stored in life.read(0)] == [1, 2, 3, 4, 5, 6, 7]
    assert life.read(5) == [StoredFact(6, dnc(6)), StoredFact(7, dnc(7))]
    assert [stored.sequence for stored in life.read(2, limit=3)] == [3, 4, 5]
    assert life.read(7) == []


def test_each_life_has_the_next_epoch_and_the_whole_log(life: Life) -> None:
    life.commit(dnc(1), dnc(2))
    second = _reborn(life)
    assert (second.store.recovered.epoch, second.store.recovered.last_sequence) == (2, 2)
    second.commit(dnc(3))
    assert second.told == [StoredFact(3, dnc(3))]
    third = _reborn(second)
    assert third.store.recovered.epoch == 3
    assert [stored.fact for stored in third.read(0)] == [dnc(1), dnc(2), dnc(3)]
    third.store.close()


def test_resources_come_back_as_they_were_put(life: Life) -> None:
    def put(kind: str, name: str, body: bytes) -> ResourcePut:
        return ResourcePut(at_s=0.0, kind=kind, id=name, revision=1, body=body)

    life.commit(put("trunk", "t1", b"old"), put("agent", "ann", b"a"), put("trunk", "t1", b"new"))
    life.commit(put("team", "gone", b"x"), ResourceDeleted(at_s=0.0, kind="team", id="gone"))
    again = _reborn(life)
    assert again.store.recovered.resources == [("agent", "ann", b"a"), ("trunk", "t1", b"new")]
    again.store.close()


def test_run_states_and_edges_come_back(life: Life) -> None:
    life.commit(
        CampaignStarted(at_s=0.0, campaign_id=CAMPAIGN, generation=4, by="operator"),
        ScheduleEdgePassed(at_s=0.0, campaign_id=CAMPAIGN, edge_s=500.0, start=True),
        ScheduleEdgePassed(at_s=0.0, campaign_id=CAMPAIGN, edge_s=400.0, start=False),
    )
    other = CampaignId("c2")
    life.commit(CampaignStopped(at_s=0.0, campaign_id=other, generation=2, by="schedule"))
    again = _reborn(life)
    assert again.store.recovered.runs == {
        CAMPAIGN: RunState(running=True, generation=4, edges_done_s=500.0),
        other: RunState(running=False, generation=2, edges_done_s=0.0),
    }
    again.store.close()


def test_an_attempt_without_outcome_is_found_with_all_that_ending_it_needs(life: Life) -> None:
    life.commit(intended("a1", 3), intended("a2", 4))
    life.commit(
        AttemptRerouted(
            at_s=1.0,
            attempt_id=AttemptId("a1"),
            campaign_id=CAMPAIGN,
            trunk_id=TrunkId("t2"),
            leg_id=LegId("leg-b"),
            call_id="call-b",
            branch="branch-b",
        ),
        AttemptAnswered(
            at_s=1.0,
            attempt_id=AttemptId("a1"),
            campaign_id=CAMPAIGN,
            list_id=LIST,
            row=3,
            leg_id=LegId("leg-b"),
            dialog=b"dialog",
            ring_s=0.5,
        ),
        CallConnected(
            at_s=1.0,
            attempt_id=AttemptId("a1"),
            campaign_id=CAMPAIGN,
            list_id=LIST,
            row=3,
            agent_id=AGENT,
            wait_s=0.1,
            late=False,
        ),
        disposed("a1", "busy"),
        disposed("a1", "success"),
        closed("a2", 4),
    )
    again = _reborn(life)
    (found,) = again.store.recovered.open_attempts
    assert (found.attempt_id, found.row, found.trunk_id) == ("a1", 3, "t2")
    assert (found.leg_id, found.call_id, found.branch) == ("leg-b", "call-b", "branch-b")
    assert (found.dialog, found.connected, found.agent_id) == (b"dialog", True, AGENT)
    assert (found.disposition, found.callback_s) == ("success", 77.0)
    again.store.close()


def test_a_record_counts_what_was_made_on_it(life: Life) -> None:
    busy = closed("a1", 3, number=1, retries=1, counted=False)
    life.commit(intended("a1", 3, number=1, day=8), busy)
    life.commit(intended("a2", 3, number=1, day=8, retry=True), closed("a2", 3, number=1))
    life.commit(intended("a3", 3, number=0, day=8), closed("a3", 3, number=0, stop=True))
    again = _reborn(life)
    (record,) = again.store.load_records(LIST)
    assert (record.attempts, record.number_attempts) == (2, bytes((255, 1)))
    assert (record.day, record.day_attempts, record.retries) == (8, 2, 0)
    assert (record.phase, record.next_s, record.disposition) == ("waiting", 900.0, "busy")
    again.commit(intended("a4", 3, number=1, day=9))
    (record,) = again.store.load_records(LIST)
    assert (record.phase, record.day, record.day_attempts) == ("in-progress", 9, 0)
    again.commit(closed("a4", 3, number=1, phase=RecordPhase.DONE))
    (record,) = again.store.load_records(LIST)
    assert (record.attempts, record.number_attempts) == (3, bytes((255, 2)))
    assert (record.phase, record.day_attempts) == ("done", 1)
    again.store.close()


def test_a_series_of_quick_retries_counts_when_another_number_is_called(life: Life) -> None:
    busy = closed("a1", 3, number=1, retries=1, counted=False)
    life.commit(intended("a1", 3, number=1, day=8), busy)
    again = _reborn(life)
    (record,) = again.store.load_records(LIST)
    assert (record.attempts, record.retries, record.retry_index) == (0, 1, 1)
    again.commit(intended("a2", 3, number=0, day=8))
    (record,) = again.store.load_records(LIST)
    assert (record.attempts, record.number_attempts) == (1, bytes((0, 1)))
    assert (record.retries, record.retry_index, record.day_attempts) == (0, -1, 1)
    again.store.close()


def test_a_second_outcome_of_an_attempt_changes_nothing(life: Life) -> None:
    life.commit(intended("a1", 3), closed("a1", 3))
    before = life.store.load_records(LIST)
    life.commit(closed("a1", 3, disposition="fax"), disposed("a1"))
    assert life.store.load_records(LIST) == before


def test_a_record_changed_without_an_attempt_keeps_its_counts(life: Life) -> None:
    life.commit(intended("a1", 3), closed("a1", 3))
    change = RecordChanged(
        at_s=9.0, campaign_id=CAMPAIGN, list_id=LIST, row=3, phase=RecordPhase.DONE
    )
    life.commit(change)
    (record,) = life.store.load_records(LIST)
    assert (record.phase, record.attempts, record.disposition) == ("done", 1, "busy")


def test_an_agents_open_leg_is_found_and_an_ended_one_is_not(life: Life) -> None:
    for name in ("x", "y"):
        life.commit(
            AgentLegIntended(at_s=0.0, agent_id=AGENT, leg_id=LegId(name), call_id="c", branch="b"),
            AgentLegOpened(at_s=0.0, agent_id=AGENT, leg_id=LegId(name), dialog=b"d"),
        )
    life.commit(AgentLegClosed(at_s=0.0, agent_id=AGENT, leg_id=LegId("x"), cause="hung-up"))
    again = _reborn(life)
    (leg,) = again.store.recovered.open_agent_legs
    assert (leg.leg_id, leg.agent_id, leg.dialog) == ("y", AGENT, b"d")
    again.store.close()


def test_a_leg_whose_far_end_moved_is_found_where_it_is_now(life: Life) -> None:
    def moved(attempt: str, leg: str) -> DialogMoved:
        return DialogMoved(
            at_s=2.0,
            attempt_id=AttemptId(attempt),
            campaign_id=CampaignId(""),
            leg_id=LegId(leg),
            dialog=b"there",
        )

    life.commit(intended("a1"), intended("a2", 1), moved("a1", "leg-a1"))
    life.commit(
        AgentLegIntended(at_s=0.0, agent_id=AGENT, leg_id=LegId("x"), call_id="c", branch="b"),
        moved("", "x"),
    )
    life.commit(moved("a2", "another leg of it"), moved("a3", "nobody's"))
    again = _reborn(life)
    assert [a.dialog for a in again.store.recovered.open_attempts] == [b"there", b""]
    assert [leg.dialog for leg in again.store.recovered.open_agent_legs] == [b"there"]
    again.store.close()


def test_the_dnc_list_comes_back(life: Life) -> None:
    life.commit(dnc(2), dnc(1), dnc(3), DncRemoved(at_s=0.0, number="+14155550003", by="test"))
    again = _reborn(life)
    assert again.store.recovered.dnc == ["+14155550001", "+14155550002"]
    again.store.close()


def test_a_batch_is_kept_whole_with_its_fact(life: Life) -> None:
    life.commit_batch(batch(0))
    life.commit_batch(batch(1))
    assert [stored.fact for stored in life.told] == [
        imported(batch(0), 5.0),
        imported(batch(1), 5.0),
    ]
    again = _reborn(life)
    first, second = again.store.load_batches(LIST)
    assert (first.columns, first.count, list(first.rejected)) == (
        b"columns 0",
        300,
        [(7, "no number")],
    )
    assert (second.first_row, second.source_lines, second.extras) == (300, 602, ())
    assert again.read_extras(299) == b"extra 299"
    assert again.read_extras(300) == b"extra 300"
    assert again.read_extras(599) == b"extra 599"
    assert again.read_extras(600) is None
    again.store.close()


def test_a_field_of_records_is_read_over_batches_and_runs(life: Life) -> None:
    for number in (0, 1):
        life.commit_batch(
            replace(
                batch(number),
                extras=[
                    msgspec.msgpack.encode({"show": f"+1415{row}"} if row % 2 else {"name": "Ann"})
                    for row in range(number * 300, number * 300 + 300)
                ],
            )
        )
    assert life.read_field([599, 1, 2, 255, 256, 257, 301, 600, 7_000], "show") == [
        "+1415599", "+14151", "", "+1415255", "", "+1415257", "+1415301", "", "",
    ]  # fmt: skip
    assert life.read_field([], "show") == []
    assert life.read_field([1], "colour") == [""]


def test_a_repeated_batch_changes_nothing(life: Life) -> None:
    life.commit_batch(batch(0))
    life.commit_batch(batch(0), at_s=6.0)
    again = _reborn(life)
    again.commit_batch(batch(0), at_s=7.0)
    assert len(life.told) == 1
    assert again.told == []
    assert again.answers == [None]
    assert len(again.store.load_batches(LIST)) == 1
    again.store.close()


def test_a_deleted_list_leaves_no_records_and_may_be_made_anew(life: Life) -> None:
    life.commit_batch(batch(0))
    life.commit(intended("a1", 3), closed("a1", 3))
    life.commit(ResourceDeleted(at_s=0.0, kind="list", id=LIST), intended("a2", 3))
    (record,) = life.store.load_records(LIST)
    assert (record.attempts, record.phase) == (0, "in-progress")
    assert life.store.load_batches(LIST) == []
    assert life.read_extras(3) is None
    life.commit_batch(batch(0))
    assert len(life.store.load_batches(LIST)) == 1


def test_a_deleted_campaign_leaves_no_run_and_no_records(life: Life) -> None:
    started = CampaignStarted(at_s=0.0, campaign_id=CAMPAIGN, generation=1, by="operator")
    life.commit(started, intended("a1", 3), closed("a1", 3))
    life.commit(ResourceDeleted(at_s=0.0, kind="campaign", id=CAMPAIGN))
    again = _reborn(life)
    assert again.store.recovered.runs == {}
    assert again.store.load_records(LIST) == []
    again.store.close()


def test_learned_laws_come_back_the_last_ones_first(life: Life) -> None:
    life.store.save_pacing({CAMPAIGN: b"old"})
    life.store.save_pacing({CAMPAIGN: b"new", CampaignId("c2"): b"other"})
    life.commit(dnc(1))
    again = _reborn(life)
    assert again.store.recovered.pacing == {CAMPAIGN: b"new", "c2": b"other"}
    again.store.close()


def test_recovery_leaves_everything_as_it_found_it(life: Life) -> None:
    life.commit(intended("a1", 3), intended("a2", 4), closed("a2", 4), dnc(1))
    second = _reborn(life)
    third = _reborn(second)
    old, new = second.store.recovered, third.store.recovered
    assert (old.open_attempts, old.dnc) == (new.open_attempts, new.dnc)
    assert old.last_sequence == new.last_sequence
    third.store.close()


def test_what_waits_at_closing_is_durable_and_answered(life: Life) -> None:
    life.begin(dnc(1))
    life.begin(dnc(2))
    life.store.close()
    life.settle()
    assert life.answers == [None, None]
    again = _reborn(life)
    assert again.store.recovered.last_sequence == 2
    again.store.close()


def test_a_batch_whose_rows_are_taken_is_refused_alone(life: Life) -> None:
    life.commit_batch(batch(1))
    life.begin(dnc(1))
    life.commit_batch(batch(0, import_id="other"))
    assert [answer.slug for answer in life.answers if answer] == ["batch-overlaps"]
    assert [stored.fact for stored in life.told] == [imported(batch(1), 5.0), dnc(1)]
    life.commit_batch(batch(2, import_id="other"))
    assert life.answers[-1] is None
