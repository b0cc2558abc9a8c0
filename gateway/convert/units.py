"""Units of the wire: durations, instants, times of day and weekdays."""

from collections.abc import Iterable
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from engine.domain.refusals import InvalidHoursError
from engine.domain.specs import EVERY_DAY
from gateway.pb.paceline.v1 import campaigns_pb2

Weekday = campaigns_pb2.Weekday

_MONDAY = campaigns_pb2.WEEKDAY_MONDAY


def to_duration(seconds: float) -> Duration:
    """Return a duration, to the microsecond. [s]"""
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration


def from_duration(duration: Duration) -> float:
    """Return the duration. [s]"""
    return (duration.seconds * 10**9 + duration.nanos) / 1e9


def to_timestamp(at_s: float) -> Timestamp:
    """Return an instant, to the microsecond. [s since the Unix epoch]"""
    timestamp = Timestamp()
    timestamp.FromMicroseconds(round(at_s * 1e6))
    return timestamp


def from_timestamp(timestamp: Timestamp) -> float:
    """Return the instant. [s since the Unix epoch]"""
    return (timestamp.seconds * 10**9 + timestamp.nanos) / 1e9


def some_time(at_s: float) -> Timestamp | None:
    """Return an instant, or None for 0, which stands for none. [s since the Unix epoch]"""
    return to_timestamp(at_s) if at_s else None


def time_of_day(field: str, duration: Duration) -> int:
    """Return a time of day given as time after local midnight. [s]

    Args:
        field: The field it is from, for the refusal's text.
        duration: The time.

    Raises:
        InvalidHoursError: It is no whole number of seconds.
    """
    if duration.nanos:
        raise InvalidHoursError(f"{field} is not a whole number of seconds")
    return duration.seconds


def from_weekdays(days: Iterable["Weekday.ValueType"]) -> tuple[int, ...]:
    """Return weekdays, 0 is Monday, ascending; none on the wire means every day."""
    return tuple(sorted({day - _MONDAY for day in days})) or EVERY_DAY


def to_weekdays(days: Iterable[int]) -> list["Weekday.ValueType"]:
    """Return weekdays for the wire."""
    return [Weekday.ValueType(day + _MONDAY) for day in days]


def is_set(message: Message, field: str) -> bool:
    """Return whether a field with presence is set; for loops over fields by name."""
    return message.HasField(field)
