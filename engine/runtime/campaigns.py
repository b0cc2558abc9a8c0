"""Campaigns as the gateway drives them: start, stop, why nothing is dialed, what is recorded."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from engine.actors.kernel import Ref, ReplyTo
from engine.actors.messages import (
    CampaignMessage,
    CampaignView,
    ControlRecording,
    DescribeCampaign,
    DescribeRecording,
    DescribeRouter,
    ExplainSupply,
    RecordingView,
    RouterMessage,
    RunAnswer,
    StartCampaign,
    StopCampaign,
    SupplyView,
)
from engine.compliance.recording import RecordingAction
from engine.domain.ids import AttemptId, CampaignId, ListId
from engine.domain.refusals import CampaignIncompleteError, UnknownCallError, UnknownListError
from engine.domain.specs import CampaignSpec
from engine.machines.campaign import CampaignPhase
from engine.runtime.asker import Asker
from engine.runtime.live import LiveState
from engine.runtime.prompt_checks import find_fault
from engine.runtime.resources import Resources
from engine.runtime.statistics import Statistics

_MOST_ANSWERS = 10_000
"""Commands whose answers are kept for repeats. [commands]"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a campaign dials nothing, or what it dials with.

    Attributes:
        view: Its run state, and what keeps it from dialing.
        supplies: What each of its lists has, and why not more.
        ready_agents: Ready agents who are qualified for it.
    """

    view: CampaignView
    supplies: Mapping[ListId, SupplyView]
    ready_agents: int


class Campaigns:
    """Starts, stops and explains campaigns, and has their calls recorded or not.

    Args:
        asker: Asks campaigns, their lists and the router.
        router: Knows who is ready.
        resources: Knows their lists.
        statistics: Knows what pacing last decided.
        live: Knows whose call it is.
    """

    def __init__(
        self,
        asker: Asker,
        router: Ref[RouterMessage],
        resources: Resources,
        statistics: Statistics,
        live: LiveState,
    ) -> None:
        self._asker = asker
        self._router = router
        self._resources = resources
        self._statistics = statistics
        self._live = live
        self._answers: dict[str, asyncio.Future[RunAnswer]] = {}

    async def start(self, campaign_id: CampaignId, *, by: str, request_id: str = "") -> RunAnswer:
        """Start a campaign; durable when it returns.

        Raises:
            CampaignIncompleteError: It lacks something, or a prompt of it cannot be played; the
                text says what.
        """
        known = f"start/{campaign_id}/{request_id}" if request_id else ""
        return await self._once(known, lambda: self._start(campaign_id, by))

    async def _start(self, campaign_id: CampaignId, by: str) -> RunAnswer:
        spec = self._resources.find("campaign", campaign_id)
        if isinstance(spec, CampaignSpec) and (fault := await find_fault(spec)):
            raise CampaignIncompleteError(fault, slug="invalid-prompt")
        self._asker.check_open()
        return await self._run(campaign_id, lambda r: StartCampaign(by, r))

    async def stop(self, campaign_id: CampaignId, *, by: str, request_id: str = "") -> RunAnswer:
        """Stop a campaign: from its return no INVITE of it leaves."""
        known = f"stop/{campaign_id}/{request_id}" if request_id else ""
        return await self._once(
            known, lambda: self._run(campaign_id, lambda r: StopCampaign(by, "", r))
        )

    async def _run(
        self, campaign_id: CampaignId, make: Callable[[ReplyTo[RunAnswer]], CampaignMessage]
    ) -> RunAnswer:
        return await self._asker.ask(self._asker.campaign(campaign_id), make)

    async def _once(
        self, key: str, make: Callable[[], Coroutine[Any, Any, RunAnswer]]
    ) -> RunAnswer:
        """Carry out a command once per idempotency key; a repeat gets the first answer (D12)."""
        answers = self._answers
        if key and key in answers:
            return await asyncio.shield(answers[key])
        task = asyncio.ensure_future(make())
        if key:
            answers[key] = task
            if len(answers) > _MOST_ANSWERS:
                answers.pop(next(iter(answers)))
        try:
            return await asyncio.shield(task)
        except Exception:
            answers.pop(key, None)
            raise

    async def describe(self, campaign_id: CampaignId) -> CampaignView:
        """Tell a campaign's run state, and why nothing is dialed."""
        view = await self._asker.ask(self._asker.campaign(campaign_id), DescribeCampaign)
        paced = self._statistics.pacing.get(campaign_id)
        if view.phase is not CampaignPhase.RUNNING or paced is None:
            return view
        why = view.why_idle
        if not paced.started and not why:
            why = (paced.reason,)
        return replace(view, effective_mode=paced.effective_mode, why_idle=why)

    async def explain(self, campaign_id: CampaignId) -> Explanation:
        """Say why a campaign dials nothing, or with what it dials."""
        view = await self.describe(campaign_id)
        spec = self._resources.get("campaign", campaign_id)
        router = await self._asker.ask(self._router, DescribeRouter)
        supplies: dict[ListId, SupplyView] = {}
        for link in spec.lists if isinstance(spec, CampaignSpec) else ():
            try:
                ref = self._asker.list(link.list_id)
            except UnknownListError:
                continue
            supplies[link.list_id] = await self._asker.ask(
                ref, lambda r: ExplainSupply(campaign_id, r)
            )
        ready, _ = router.by_campaign.get(campaign_id, (0, 0))
        return Explanation(view, supplies, ready)

    async def control_recording(
        self,
        attempt_id: AttemptId,
        action: RecordingAction,
        *,
        by: str,
        campaigns: frozenset[str] | None = None,
    ) -> RecordingView:
        """Ask for a call to be recorded, or not; stronger wishes may decide otherwise.

        Args:
            attempt_id: The call.
            action: What is wished.
            by: Who wishes it.
            campaigns: Those that may be reached; None: all.

        Raises:
            UnknownCallError: There is no such call, or none that may be reached.
        """
        return await self._asker.ask(
            self._whose(attempt_id, campaigns),
            lambda r: ControlRecording(attempt_id, action, by, automated=False, reply_to=r),
        )

    async def describe_recording(self, attempt_id: AttemptId) -> RecordingView:
        """Tell whether a call is recorded.

        Raises:
            UnknownCallError: There is no such call.
        """
        return await self._asker.ask(
            self._whose(attempt_id), lambda r: DescribeRecording(attempt_id, r)
        )

    def _whose(
        self, attempt_id: AttemptId, campaigns: frozenset[str] | None = None
    ) -> Ref[CampaignMessage]:
        campaign_id = self._live.campaign_of(attempt_id)
        if campaign_id is None or (campaigns is not None and campaign_id not in campaigns):
            raise UnknownCallError(f"there is no calls/{attempt_id[:80]}")
        return self._asker.campaign(campaign_id)
