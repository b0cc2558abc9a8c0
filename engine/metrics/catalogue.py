"""The catalogue of metrics: what each is called, counts, and whether this engine feeds it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Scope(StrEnum):
    """What a metric is about. A list and a team are seen within a campaign."""

    CAMPAIGN = "campaign"
    LIST = "list"
    QUOTA = "quota"
    SERVICE = "service"
    SKILL = "skill"
    AGENT = "agent"
    TEAM = "team"


class Window(StrEnum):
    """Which time a metric covers."""

    INSTANT = "instant"
    SINCE_RESET = "since_reset"
    """Cleared at the daily statistics reset."""
    INTERVAL = "interval"
    """A period of its own, which the definition names."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        scope: What it is about.
        name: Its name for people.
        id: Its name for programs, unique in its scope.
        kind: ``gauge``, ``counter``, ``rate``, ``duration`` or ``text``.
        unit: Unit of its values.
        window: Which time it covers.
        definition: What it means.
        fed: Whether this engine gives it values now.
    """

    scope: Scope
    name: str
    id: str
    kind: str
    unit: str
    window: Window
    definition: str
    fed: bool


def _read() -> Iterator[Metric]:
    text = files("engine.metrics").joinpath("catalogue.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield Metric(
            scope=Scope(row["scope"]),
            name=row["name"],
            id=row["id"],
            kind=row["kind"],
            unit=row["unit"],
            window=Window(row["window"]),
            definition=row["definition"],
            fed=row["fed"] == "yes",
        )


CATALOGUE: tuple[Metric, ...] = tuple(_read())
"""Every metric there is, by scope, in the order in which tables show them."""

METRICS: dict[tuple[Scope, str], Metric] = {(item.scope, item.id): item for item in CATALOGUE}
"""Every metric by scope and id."""

DISPOSITION_SERIES = "disposition_count/"
"""Prefix of a series of ``disposition_count``; the disposition's slug follows."""


def is_metric(scope: Scope, series: str) -> bool:
    """Say whether a scope has a metric, or a series of one, of this name."""
    slug = series.removeprefix(DISPOSITION_SERIES)
    return (scope, series if slug == series else "disposition_count") in METRICS
