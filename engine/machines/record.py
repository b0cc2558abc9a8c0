"""A record's standing in one campaign."""

from engine.domain.facts import RecordPhase
from engine.machines.machine import Machine


class Reserved:
    """Handed out for an attempt or a preview."""


class Released:
    """Given back untouched."""


class Retried:
    """Its attempt ended; it may be tried again at once."""


class Deferred:
    """Its attempt ended; it waits for a set time."""


class Due:
    """Its time has come."""


class Finished:
    """Final: a final disposition, no numbers left, or excluded."""


class Reopened:
    """An operator made it callable again."""


RECORD: Machine[RecordPhase] = Machine(
    name="record",
    initial=RecordPhase.READY,
    rows={
        RecordPhase.READY: {
            Reserved: RecordPhase.IN_PROGRESS,
            Deferred: RecordPhase.WAITING,
            Finished: RecordPhase.DONE,
        },
        RecordPhase.IN_PROGRESS: {
            Released: RecordPhase.READY,
            Retried: RecordPhase.READY,
            Deferred: RecordPhase.WAITING,
            Finished: RecordPhase.DONE,
        },
        RecordPhase.WAITING: {
            Due: RecordPhase.READY,
            Reserved: RecordPhase.IN_PROGRESS,
            Deferred: RecordPhase.WAITING,
            Finished: RecordPhase.DONE,
            Reopened: RecordPhase.READY,
        },
        RecordPhase.DONE: {Reopened: RecordPhase.READY},
    },
    ignored=frozenset(
        {
            (RecordPhase.DONE, Finished),  # excluded while its last attempt was closing
        }
    ),
    ends=frozenset({RecordPhase.DONE}),
    anytime=frozenset({Finished}),
)
