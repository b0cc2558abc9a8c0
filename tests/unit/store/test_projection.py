"""The fold of facts into state, where the contract's stories do not reach."""

from engine.domain.facts import AgentLegClosed, AgentLegOpened, DncRemoved, StatisticsReset
from engine.domain.ids import LegId
from engine.store.projection import STOPPED, State, advance, changes, record_key
from tests.unit.store.makers import AGENT, CAMPAIGN, LIST, closed, disposed, dnc, intended


def test_asking_what_a_fact_changes_changes_nothing() -> None:
    state = State()
    advance(state, intended("a1", 3))
    before = dict(state.attempts), dict(state.records)
    assert len(changes(closed("a1", 3), state)) == 2
    assert (state.attempts, state.records) == before


def test_facts_that_concern_no_state_change_nothing() -> None:
    state = State()
    assert advance(state, StatisticsReset(at_s=1.0)) == ()
    assert advance(state, disposed("unknown")) == ()
    assert advance(state, closed("unknown")) == ()
    assert (
        advance(state, AgentLegOpened(at_s=1.0, agent_id=AGENT, leg_id=LegId("x"), dialog=b""))
        == ()
    )
    advance(state, AgentLegClosed(at_s=1.0, agent_id=AGENT, leg_id=LegId("x"), cause="lost"))
    advance(state, DncRemoved(at_s=1.0, number="+1", by=""))
    assert state == State()


def test_counts_of_numbers_grow_to_their_octets_and_no_further() -> None:
    state = State()
    key = record_key(CAMPAIGN, LIST, 0)
    for _ in range(300):
        advance(state, intended(number=2))
        advance(state, closed(number=2))
    record = state.records[key]
    assert record.number_attempts == bytes((0, 0, 254))
    assert record.attempts == 300
    advance(state, intended(number=2))
    advance(state, closed(number=2, stop=True))
    advance(state, intended(number=2))
    advance(state, closed(number=2))
    assert state.records[key].number_attempts[2] == STOPPED


def test_records_of_a_list_stand_together_in_row_order() -> None:
    rows = [0, 9, 10, 99, 123_456_789]
    keys = [record_key(CAMPAIGN, LIST, row) for row in rows]
    assert sorted(keys) == keys


def test_what_is_stored_is_sorted_whatever_the_order_of_the_facts() -> None:
    one, two = State(), State()
    facts = [dnc(3), dnc(1), intended("b"), intended("a")]
    for fact in facts:
        advance(one, fact)
    for fact in reversed(facts):
        advance(two, fact)
    assert one.stored(1, 4, {}) == two.stored(1, 4, {})
