"""What pacing sees and decides, as the gateway tells it: now, as it happens, and over a day."""

from collections.abc import Callable
from datetime import date

from engine.actors.kernel import Ref
from engine.actors.messages import DescribePacing, PacerMessage, PacingView
from engine.domain.ids import CampaignId
from engine.runtime.asker import Asker
from engine.runtime.events import Events
from engine.runtime.pacing_day import PacingDay, day_at
from engine.runtime.statistics import Statistics


class PacingViews:
    """Tells how campaigns are paced.

    Args:
        asker: Asks the pacer.
        pacer: The pacer.
        statistics: Hears of each decision.
        events: The log, which has every minute's sum.
        zone: The contact centre's zone.
        now: The engine's time.
    """

    def __init__(
        self,
        asker: Asker,
        pacer: Ref[PacerMessage],
        statistics: Statistics,
        events: Events,
        zone: str,
        now: Callable[[], float],
    ) -> None:
        self._asker = asker
        self._pacer = pacer
        self._statistics = statistics
        self._events = events
        self._zone = zone
        self._now = now

    async def describe(self, campaign_id: CampaignId) -> PacingView:
        """Tell what pacing last saw and decided."""
        self._asker.campaign(campaign_id)
        return await self._asker.ask(self._pacer, lambda r: DescribePacing(campaign_id, r))

    def watch(
        self, campaign_id: CampaignId, tell: Callable[[PacingView], None]
    ) -> Callable[[], None]:
        """Tell of each decision for a campaign; call what is returned to end it."""
        return self._statistics.watch_pacing(campaign_id, tell)

    async def report(self, campaign_id: CampaignId, day: date | None) -> PacingDay:
        """Tell what was decided and why over a local day.

        Args:
            campaign_id: The campaign.
            day: In the contact centre's zone; None: today.
        """
        self._asker.campaign(campaign_id)
        report = PacingDay.of(campaign_id, self._zone, day or day_at(self._zone, self._now()))
        await report.read(self._events.read, self._events.last_sequence)
        return report
