"""What selection asks of the rules, and what it hands out."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.domain.e164 import E164


class Opening(Protocol):
    """Whether a call may start, and when that changes."""

    @property
    def open(self) -> bool:
        """Whether it may start now."""
        ...

    @property
    def changes_s(self) -> float:
        """When the answer must be asked for again. [s since the epoch]"""
        ...


class Hours(Protocol):
    """A campaign's calling hours (``engine.compliance.hours.CallingHours``)."""

    def opening(self, phone_type: str, zones: tuple[str, ...], now_s: float) -> Opening:
        """Return whether a call may start now and when that changes."""
        ...

    def days(self, zones: tuple[str, ...], now_s: float) -> tuple[int, int]:
        """Return the first and the last local calendar day it may be at the called place."""
        ...

    def day_ends_s(self, zones: tuple[str, ...], day: int) -> float:
        """Return the first instant at which every place is past a local calendar day."""
        ...

    def describe(self, phone_type: str, zones: tuple[str, ...], now_s: float) -> str:
        """Return why a call may start now."""
        ...


class Claims(Protocol):
    """Numbers under attempt anywhere in the engine (``engine.compliance.ledger``)."""

    def claim(self, numbers: Sequence[int], gap_s: float, now_s: float) -> Sequence[str]:
        """Claim numbers in order; return for each an empty text or why it was refused."""
        ...

    def refusal(self, number: int, gap_s: float, now_s: float) -> str:
        """Return why a number could not be claimed now, or an empty text."""
        ...

    def release(self, number: int, now_s: float, dialed: bool) -> None:
        """End a claim; the number rests from now if it was dialed."""
        ...

    def free_from_s(self, number: int, gap_s: float) -> float:
        """Return when a resting number may be tried again, or 0. [s since the epoch]"""
        ...


class Pick(msgspec.Struct, frozen=True, gc=False):
    """A record to be attempted now.

    Attributes:
        row: The record.
        number_index: Which of its numbers, from 0.
        number: That number.
        phone_type: Its phone type.
        zones: Every zone the person may be in.
        closes_s: When its hours close, less the end guard. [s since the epoch]
        attempts: Counted attempts on the record so far.
        number_attempts: Counted attempts by number; 255 is a stopped number.
        retries: Quick retries made in the running series.
        day: Local day to count the attempt on. [days since the epoch]
    """

    row: int
    number_index: int
    number: E164
    phone_type: str
    zones: tuple[str, ...]
    closes_s: float
    attempts: int
    number_attempts: bytes
    retries: int
    day: int


IN_USE = "number-in-use"
RESTING = "number-resting"
DNC = "on-dnc"
DAY_CAP = "day-cap"
ATTEMPT_CAP = "attempt-cap"
PARKED = ("", IN_USE, RESTING, DNC, DAY_CAP, ATTEMPT_CAP)
"""Why a ready record is set aside, by code."""
PARKED_CODES = {reason: code for code, reason in enumerate(PARKED)}
"""Codes of the reasons; ``claim`` refuses with the first three."""
