"""What users type, as the API takes it: hours, days, durations, modes."""

import re
from enum import StrEnum

from google.protobuf.duration_pb2 import Duration

from clients.cli.common import usage
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_DAY_WORD = re.compile(rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))?")


class ModeName(StrEnum):
    """How a campaign chooses when to start calls."""

    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    AUTOMATIC = "automatic"

    @property
    def value_of(self) -> pb.Mode.ValueType:
        """The API's value."""
        return pb.Mode.Value(f"MODE_{self.name}")


class RecordingName(StrEnum):
    """Which calls a setting wants recorded."""

    INHERIT = "inherit"
    ALL = "all"
    NONE = "none"


_RULE_WINDOWS = {
    "calendar-day": pb.RULE_WINDOW_CALENDAR_DAY,
    "rolling-24h": pb.RULE_WINDOW_ROLLING_24H,
    "rolling-30d": pb.RULE_WINDOW_ROLLING_30D,
}
_ANALYSIS_TIMES = (
    "limit",
    "initial-silence",
    "greeting-silence",
    "minimum-speech",
    "machine-speech",
    "beep-limit",
)
_TREATED = ("machine", "fax", "silence")
_ANALYSIS_FORMS = (
    "on, off, machine=end|connect|message, fax=end|connect, silence=connect|end, "
    "machine-prompt=PROMPT, detect-machines=yes|no, "
    + ", ".join(f"{each}=SECONDS" for each in _ANALYSIS_TIMES)
)


def rule_window(text: str) -> pb.RuleWindow.ValueType:
    """Read a rule window: ``calendar-day``, ``rolling-24h`` or ``rolling-30d``.

    Args:
        text: What was typed.
    """
    if text not in _RULE_WINDOWS:
        raise usage(f"{text!r} is none of {', '.join(_RULE_WINDOWS)}")
    return _RULE_WINDOWS[text]


def analysis(text: str) -> pb.Analysis | None:
    """Read how answers are analysed: ``on``, ``off``, or ``machine=message,limit=2.5``.

    Args:
        text: ``off`` for none; ``on`` for the defaults; else pairs: times in seconds, ``machine``,
            ``fax`` and ``silence`` with end, connect or message, ``machine-prompt`` with a name,
            ``detect-machines`` with yes or no.
    """
    if text == "off":
        return None
    made = pb.Analysis()
    for pair in () if text == "on" else text.split(","):
        key, _, value = pair.strip().partition("=")
        try:
            _put_pair(made, key.strip(), value.strip())
        except (ValueError, KeyError):
            raise usage(f"{pair.strip()!r} is none of {_ANALYSIS_FORMS}") from None
    return made


def _put_pair(made: pb.Analysis, key: str, value: str) -> None:
    field = key.replace("-", "_")
    if key in _ANALYSIS_TIMES:
        getattr(made, field).CopyFrom(duration(float(value)))
    elif key in _TREATED:
        setattr(made, field, pb.Treatment.Value(f"TREATMENT_{value.upper()}"))
    elif key == "machine-prompt":
        made.machine_prompt = value
    elif key == "detect-machines":
        made.detect_machines = {"yes": True, "no": False}[value]
    else:
        raise KeyError(key)


def duration(value_s: float) -> Duration:
    """Return seconds as the API takes them."""
    made = Duration()
    made.FromNanoseconds(round(value_s * 1e9))
    return made


def calling_hours(text: str) -> pb.CallingHours:
    """Read hours such as ``09:00-20:00``, ``mon-fri 08:00-21:00`` or ``sat 10:00-17:00 mobile``.

    Args:
        text: A span of the day, and days and phone types in any order.
    """
    opens_s, closes_s, days, types = _read(text)
    if not opens_s < closes_s:
        raise usage(f"{text!r}: hours must close after they open")
    return pb.CallingHours(
        phone_types=types, days=days, opens=duration(opens_s), closes=duration(closes_s)
    )


def run_window(text: str) -> pb.RunWindow:
    """Read a schedule's edges such as ``mon-fri 14:00-18:00``; over midnight is possible."""
    starts_s, stops_s, days, rest = _read(text)
    if rest:
        raise usage(f"{text!r}: {rest[0]!r} is no day")
    return pb.RunWindow(days=days, starts=duration(starts_s), stops=duration(stops_s))


def _read(text: str) -> tuple[int, int, list[pb.Weekday.ValueType], list[str]]:
    span: tuple[int, int] | None = None
    days: list[pb.Weekday.ValueType] = []
    rest: list[str] = []
    for word in text.lower().replace(",", " ").split():
        found = _SPAN.fullmatch(word)
        if found is not None:
            begin_h, begin_min, end_h, end_min = map(int, found.groups())
            span = (begin_h * 3600 + begin_min * 60, end_h * 3600 + end_min * 60)
        elif (day := _DAY_WORD.fullmatch(word)) is not None:
            days += _days(day[1], day[2] or day[1])
        else:
            rest.append(word)
    if span is None or not max(span) <= 86_400:
        raise usage(f"{text!r}: no span of a day such as 09:00-20:00")
    return *span, days, rest


def _days(first: str, last: str) -> list[pb.Weekday.ValueType]:
    begin, end = _DAYS.index(first), _DAYS.index(last)
    count = (end - begin) % 7 + 1
    values = pb.Weekday.values()  # the first is "not said"
    return [values[1 + (begin + step) % 7] for step in range(count)]
