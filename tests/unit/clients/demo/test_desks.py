"""The virtual agents' books of hours."""

from clients.demo.desks import Hours
from gateway.pb.paceline.v1 import agent_session_pb2 as pb


def test_time_is_booked_by_what_an_agent_did() -> None:
    hours = Hours()
    hours.enter(pb.AGENT_STATE_READY, 10.0)
    hours.enter(pb.AGENT_STATE_BUSY, 14.0)
    hours.enter(pb.AGENT_STATE_ACW, 20.0)
    hours.enter(pb.AGENT_STATE_NOT_READY, 22.0)
    hours.enter(pb.AGENT_STATE_READY, 30.0)
    assert (hours.idle_s, hours.busy_s) == (4.0, 8.0)


def test_a_new_book_begins_at_its_instant() -> None:
    hours = Hours()
    hours.enter(pb.AGENT_STATE_READY, 10.0)
    hours.clear(15.0)
    hours.enter(pb.AGENT_STATE_BUSY, 18.0)
    assert (hours.idle_s, hours.busy_s) == (3.0, 0.0)
