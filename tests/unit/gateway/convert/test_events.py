"""Every fact of the log is an event of the wire."""

import typing
from enum import Enum

import msgspec
import pytest

from engine.domain import facts
from engine.ports import StoredFact
from gateway.convert.events import to_event
from gateway.interceptors import check_rules

SLUGS = {
    "kind": {"AttemptClosed": "continue"},
    "mode": {"SupervisionStarted": "coach", "SupervisionModeChanged": "barge-in"},
    "state": {"AgentChanged": "ready"},
}
FACTS = typing.get_args(facts.AnyFact)


def sample(kind: type[facts.Fact]) -> facts.AnyFact:
    """A fact with a telling value in each field."""
    values = {
        field.name: _value(kind.__name__, field.name, field.type)
        for field in msgspec.structs.fields(kind)
    }
    return facts.decode(msgspec.msgpack.encode({"type": kind.__name__, **values}))


def _value(kind: str, name: str, annotation: object) -> object:
    if kind in SLUGS.get(name, {}):
        return SLUGS[name][kind]
    if name == "kind":
        return "campaign"
    base = getattr(annotation, "__supertype__", annotation)
    if isinstance(base, type) and issubclass(base, Enum):
        return next(iter(base))
    if typing.get_origin(base) is dict:
        return {"x1": 7.5}
    samples: dict[object, object] = {str: "x1", int: 7, float: 1_764_000_000.25, bool: True}
    return samples.get(base, b"secret")


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_a_fact_is_told(kind: type[facts.Fact]) -> None:
    event = to_event(StoredFact(9, sample(kind)))
    assert event.sequence == 9
    assert event.event_time.ToMicroseconds() == 1_764_000_000_250_000
    told = event.WhichOneof("fact")
    assert told is not None
    check_rules(event)
    fields = {field.name for field, _ in getattr(event, told).ListFields()}
    described = {field.name for field in getattr(event, told).DESCRIPTOR.fields}
    assert fields == described, "a field of the event is never set"


def test_no_two_facts_are_the_same_event() -> None:
    told = [to_event(StoredFact(1, sample(kind))).WhichOneof("fact") for kind in FACTS]
    assert len(set(told)) == len(FACTS)


def test_what_is_for_the_engine_alone_stays_inside() -> None:
    for kind in FACTS:
        event = to_event(StoredFact(1, sample(kind)))
        assert b"secret" not in event.SerializeToString()
