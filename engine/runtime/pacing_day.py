"""What pacing decided for a campaign over one local day, folded from the log."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from engine.compliance.hours import DAY_S, local_day
from engine.compliance.schedule import first_instant
from engine.domain.facts import PacingSummed
from engine.domain.ids import CampaignId
from engine.ports import StoredFact

Read = Callable[[int, int], Awaitable[Sequence[StoredFact]]]
"""Reads facts above a sequence number, at most so many."""
_EPOCH = date(1970, 1, 1)
_PAGE = 5_000
_DISORDER_S = 600.0
"""Facts stand in the log in the order they became durable; by so much they may be out of time."""


def day_at(zone: str, at_s: float) -> date:
    """Return the local day at an instant.

    Args:
        zone: IANA zone.
        at_s: The instant. [s since the epoch]
    """
    return _EPOCH + timedelta(days=local_day(zone, at_s))


@dataclass(slots=True)
class PacingDay:
    """A local day of one campaign's pacing.

    Attributes:
        campaign_id: The campaign.
        zone: Of the contact centre.
        day: The day.
        begins_s: Its first instant. [s since the epoch]
        ends_s: Its end, excluded. [s since the epoch]
        minutes: What was decided, in order.
    """

    campaign_id: CampaignId
    zone: str
    day: date
    begins_s: float
    ends_s: float
    minutes: list[PacingSummed] = field(default_factory=list)

    @classmethod
    def of(cls, campaign_id: CampaignId, zone: str, day: date) -> "PacingDay":
        """Return an empty day."""
        number = (day - _EPOCH).days
        begins_s = first_instant(zone, number * DAY_S)
        return cls(campaign_id, zone, day, begins_s, first_instant(zone, (number + 1) * DAY_S))

    @property
    def length_s(self) -> float:
        """How long the campaign ran. [s]"""
        return sum(minute.length_s for minute in self.minutes)

    @property
    def calls_started(self) -> int:
        """Calls that were to be started. [calls]"""
        return sum(minute.calls_started for minute in self.minutes)

    def holds(self) -> list[tuple[str, float, float]]:
        """Return reason, time it held the campaign, and agents' idle time meanwhile.

        Most idle time comes first, then the longest. [s, agent seconds]
        """
        held: defaultdict[str, float] = defaultdict(float)
        idle: defaultdict[str, float] = defaultdict(float)
        for minute in self.minutes:
            for reason, held_s in minute.held_s.items():
                held[reason] += held_s
                idle[reason] += minute.idle_s.get(reason, 0.0)
        rows = [(reason, held_s, idle[reason]) for reason, held_s in held.items()]
        return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))

    async def read(self, read: Read, last: int) -> None:
        """Read the day from the log.

        Args:
            read: Reads the log.
            last: Sequence number of its newest fact.
        """
        after = await _find_before(read, last, self.begins_s - _DISORDER_S)
        while facts := await read(after, _PAGE):
            self._take(facts)
            after = facts[-1].sequence
            if facts[-1].fact.at_s > self.ends_s + _DISORDER_S:
                return

    def _take(self, facts: Iterable[StoredFact]) -> None:
        for stored in facts:
            fact = stored.fact
            if (
                isinstance(fact, PacingSummed)
                and fact.campaign_id == self.campaign_id
                and self.begins_s < fact.at_s <= self.ends_s
            ):
                self.minutes.append(fact)


async def _find_before(read: Read, last: int, at_s: float) -> int:
    """Return a sequence number after which all facts from an instant on are found, by halving."""
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        facts = await read(middle - 1, 1)
        if facts and facts[0].fact.at_s < at_s:
            low = middle
        else:
            high = middle - 1
    return low
