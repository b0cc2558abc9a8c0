"""Virtual operators: who start and stop campaigns, and add numbers to the do-not-call list."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from engine.actors.kernel import ReplyTo, Scheduler
from engine.actors.messages import CampaignMessage, RunAnswer, StartCampaign, StopCampaign
from engine.domain.e164 import E164
from engine.domain.ids import CampaignId
from engine.telephony.simulated import Witness

_BY = "operator"


class Controls(Protocol):
    """What operators can do to the present life of the engine."""

    def ask_campaign(
        self,
        campaign_id: CampaignId,
        make: Callable[[ReplyTo[RunAnswer]], CampaignMessage],
        done: Callable[[bool], None],
    ) -> None:
        """Ask a campaign something; ``done`` learns whether it was carried out."""
        ...

    def add_dnc(self, number: E164, done: Callable[[bool], None]) -> None:
        """Add a number to the do-not-call list."""
        ...


class Operators:
    """Keep campaigns as they want them, and note in the witness what was acknowledged.

    Args:
        campaigns: The campaigns.
        numbers: Numbers that may be added to the do-not-call list.
        scheduler: Virtual time.
        random: Their whims.
        controls: The engine's present life.
        witness: Where requests and acknowledgements are noted.
    """

    def __init__(
        self,
        campaigns: Sequence[CampaignId],
        numbers: Sequence[str],
        scheduler: Scheduler,
        random: Random,
        controls: Controls,
        witness: Witness,
    ) -> None:
        self._campaigns = campaigns
        self._wanted: dict[CampaignId, bool] = {}
        self._numbers = numbers
        self._scheduler = scheduler
        self._random = random
        self._controls = controls
        self._witness = witness
        self._open = True

    def start_all(self) -> None:
        """Start every campaign."""
        for campaign_id in self._campaigns:
            self.start(campaign_id)

    def stop_all(self) -> None:
        """Stop every campaign, for good, and meddle no more."""
        self._open = False
        for campaign_id in self._campaigns:
            self.stop(campaign_id)

    def insist(self) -> None:
        """Press again what was pressed last: the answer may have been lost with a life."""
        for campaign_id, running in self._wanted.items():
            if running:
                self.start(campaign_id)
            else:
                self.stop(campaign_id)

    def forget(self) -> None:
        """Leave things as they are from now on, also after a restart."""
        self._wanted.clear()

    def meddle(self, every_s: float) -> None:
        """Stop, start and list numbers at random instants, from now on. [s]"""
        self._scheduler.call_later(
            self._random.expovariate(1.0 / every_s), lambda: self._interfere(every_s)
        )

    def _interfere(self, every_s: float) -> None:
        campaign_id = self._random.choice(self._campaigns)
        if not self._open:
            return
        if self._random.random() < 0.5:
            self._add_dnc(self._choose_number())
        elif self._wanted.get(campaign_id):
            self.stop(campaign_id)
            if self._random.random() < 0.3:
                self.stop(campaign_id)  # an impatient one presses twice
            back_s = self._random.uniform(0.001, 40.0)
            self._scheduler.call_later(back_s, lambda: self._start_again(campaign_id))
        self.meddle(every_s)

    def _choose_number(self) -> E164:
        """Return any number, or one just called that may be waiting for its next attempt."""
        recent = [
            row["number"]
            for row in self._witness.rows[-200:]
            if row["kind"] == "invite" and row["side"] == "customer"
        ]
        return E164(str(self._random.choice(recent or self._numbers)))

    def _start_again(self, campaign_id: CampaignId) -> None:
        if self._open:
            self.start(campaign_id)

    def start(self, campaign_id: CampaignId) -> None:
        """Press Start."""
        self._wanted[campaign_id] = True
        self._witness.note("starting", campaign=campaign_id)
        self._controls.ask_campaign(campaign_id, lambda to: StartCampaign(_BY, to), lambda _: None)

    def stop(self, campaign_id: CampaignId) -> None:
        """Press Stop; the acknowledgement is noted."""
        self._wanted[campaign_id] = False

        def stopped(done: bool) -> None:
            if done and not self._wanted.get(campaign_id):
                self._witness.note("stopped", campaign=campaign_id)

        self._controls.ask_campaign(campaign_id, lambda to: StopCampaign(_BY, "", to), stopped)

    def _add_dnc(self, number: E164) -> None:
        def added(done: bool) -> None:
            if done:
                self._witness.note("dnc-added", number=number)

        self._controls.add_dnc(number, added)
