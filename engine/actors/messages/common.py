"""What every kind of receiver is told."""

import msgspec


class SampleGauges(msgspec.Struct, frozen=True):
    """Publish gauges (metrics tick)."""


class Rejoin(msgspec.Struct, frozen=True):
    """The router, the pacer or a list began anew: tell it again how things stand."""
