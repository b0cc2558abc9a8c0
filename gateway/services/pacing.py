"""PacingService: what pacing sees and decides, as it happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.domain.specs import CampaignSpec
from gateway.convert import names
from gateway.convert.views import to_decision
from gateway.pb.paceline.v1 import pacing_pb2 as pb
from gateway.pb.paceline.v1 import pacing_pb2_grpc
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.runtime import Engine
    from gateway.interceptors import Context

_LOOK_S = 0.25
"""How often the newest decision is looked for."""


class PacingService(pacing_pb2_grpc.PacingServiceServicer):
    """Shows how calls are paced."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._campaigns = Resources(engine, CampaignSpec, "campaign")

    async def WatchPacing(
        self, request: pb.WatchPacingRequest, context: Context
    ) -> AsyncIterator[pb.WatchPacingResponse]:
        campaign_id = names.campaign_id(request.campaign)
        self._campaigns.get(campaign_id)
        told_s = -1.0
        while True:
            view = await self._engine.describe_pacing(campaign_id)
            if view.at_s != told_s:
                told_s = view.at_s
                yield pb.WatchPacingResponse(decision=to_decision(view))
            await asyncio.sleep(_LOOK_S)
