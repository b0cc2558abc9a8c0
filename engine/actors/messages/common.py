"""What every kind of receiver is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleGauges:
    """Publish gauges (metrics tick)."""


@dataclass(frozen=True, slots=True)
class Rejoin:
    """The router, the pacer or a list began anew: tell it again how things stand."""
