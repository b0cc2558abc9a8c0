"""PacingService: what pacing sees and decides, as it happens and over a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from engine.domain.refusals import InvalidRequestError
from engine.domain.specs import CampaignSpec
from gateway.convert import names
from gateway.convert.pacing import to_report
from gateway.convert.views import to_decision
from gateway.pb.paceline.v1 import pacing_pb2 as pb
from gateway.pb.paceline.v1 import pacing_pb2_grpc
from gateway.services.resources import Resources
from gateway.streams import Recent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.actors.messages import PacingView
    from engine.runtime import Configuration, PacingViews
    from gateway.interceptors import Context

_LOOK_S = 5.0
"""After so long without a decision it is looked whether the campaign is still there."""


class PacingService(pacing_pb2_grpc.PacingServiceServicer):
    """Shows how calls are paced."""

    def __init__(self, configuration: Configuration, pacing: PacingViews) -> None:
        self._pacing = pacing
        self._campaigns = Resources(configuration, CampaignSpec, "campaign")

    async def WatchPacing(
        self, request: pb.WatchPacingRequest, context: Context
    ) -> AsyncIterator[pb.WatchPacingResponse]:
        campaign_id = names.campaign_id(request.campaign)
        self._campaigns.get(campaign_id)
        decisions: Recent[PacingView] = Recent()
        leave = self._pacing.watch(campaign_id, decisions.put)
        try:
            newest = await self._pacing.describe(campaign_id)
            yield pb.WatchPacingResponse(decision=to_decision(newest))
            while True:
                for view in await decisions.get(_LOOK_S):
                    if view is not newest:
                        yield pb.WatchPacingResponse(decision=to_decision(view))
                self._campaigns.get(campaign_id)
        finally:
            leave()

    async def ReportPacing(
        self, request: pb.ReportPacingRequest, context: Context
    ) -> pb.ReportPacingResponse:
        campaign_id = names.campaign_id(request.campaign)
        self._campaigns.get(campaign_id)
        try:
            day = date.fromisoformat(request.day) if request.day else None
        except ValueError as error:
            raise InvalidRequestError(f"day {request.day}: {error}") from error
        return to_report(await self._pacing.report(campaign_id, day))
