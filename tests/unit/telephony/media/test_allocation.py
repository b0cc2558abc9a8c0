"""Places of legs: nobody who may learn shares a port with anybody unheard."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.media.allocation import Allocation, NoRoomError, Place, bind_ports
from tests.support.ports import free_port


def test_legs_that_learn_get_ports_of_their_own_while_there_are_any() -> None:
    allocation = Allocation(100, 8)
    places = [allocation.take(learns=True) for _ in range(8)]
    assert len({place.port for place in places}) == 8
    assert all(place.learns for place in places)
    assert not allocation.take(learns=True).learns


def test_many_ringing_trunk_legs_leave_ports_to_agents_phones() -> None:
    allocation = Allocation(1000, 8)
    for _ in range(300):
        allocation.take(learns=False)
    assert [allocation.take(learns=True).learns for _ in range(4)] == [True] * 4


def test_a_port_can_learn_again_when_its_leg_was_heard() -> None:
    allocation = Allocation(100, 2)
    places = [allocation.take(learns=True), allocation.take(learns=True)]
    allocation.note_heard(places[0])
    again = allocation.take(learns=True)
    assert (again.learns, again.port) == (True, places[0].port)


def test_rows_run_out_with_a_clear_error_and_come_back() -> None:
    allocation = Allocation(3, 2)
    places = [allocation.take(learns=False), allocation.take_audio()]
    with pytest.raises(NoRoomError):
        allocation.take(learns=True)
    with pytest.raises(NoRoomError):
        allocation.take_audio()
    for place in places:
        allocation.leave_port(place)
        allocation.free(place)
    assert allocation.take(learns=True).row == 1


@given(st.lists(st.tuples(st.sampled_from(["strict", "learn", "heard", "end"]), st.integers(0))))
def test_a_place_that_learns_is_alone_unheard_on_its_port(steps: list[tuple[str, int]]) -> None:
    allocation, unheard, placed = Allocation(500, 4), set[Place](), list[Place]()
    for step, pick in steps:
        if step in ("strict", "learn"):
            place = allocation.take(learns=step == "learn")
            assert not place.learns or all(other.port != place.port for other in unheard)
            assert place.row not in {other.row for other in placed}
            placed.append(place)
            unheard.add(place)
        elif placed and step == "heard":
            heard = placed[pick % len(placed)]
            allocation.note_heard(heard)
            unheard.discard(heard)
        elif placed:
            ended = placed.pop(pick % len(placed))
            allocation.leave_port(ended)
            allocation.free(ended)
            unheard.discard(ended)


def test_bound_pairs_are_even_and_odd_and_pass_over_what_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        lowest = free_port()
        taken.bind(("127.0.0.1", lowest))
        pairs = bind_ports("127.0.0.1", 2, lowest - lowest % 2)
        numbers = [tuple(one.getsockname()[1] for one in pair) for pair in pairs]
        for pair in pairs:
            for one in pair:
                one.close()
    assert all(
        rtp % 2 == 0 and rtcp == rtp + 1 and lowest not in (rtp, rtcp) for rtp, rtcp in numbers
    )
