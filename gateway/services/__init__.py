"""The services of paceline.v1, one file each, and all of them over one engine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.pb.paceline.v1.agents_pb2_grpc import add_AgentServiceServicer_to_server
from gateway.pb.paceline.v1.campaigns_pb2_grpc import add_CampaignServiceServicer_to_server
from gateway.pb.paceline.v1.dnc_pb2_grpc import add_DncServiceServicer_to_server
from gateway.pb.paceline.v1.engine_pb2_grpc import add_EngineServiceServicer_to_server
from gateway.pb.paceline.v1.events_pb2_grpc import add_EventServiceServicer_to_server
from gateway.pb.paceline.v1.lists_pb2_grpc import add_ListServiceServicer_to_server
from gateway.pb.paceline.v1.metrics_pb2_grpc import add_MetricsServiceServicer_to_server
from gateway.pb.paceline.v1.pacing_pb2_grpc import add_PacingServiceServicer_to_server
from gateway.pb.paceline.v1.recordings_pb2_grpc import add_RecordingServiceServicer_to_server
from gateway.pb.paceline.v1.supervision_pb2_grpc import add_SupervisionServiceServicer_to_server
from gateway.pb.paceline.v1.teams_pb2_grpc import add_TeamServiceServicer_to_server
from gateway.pb.paceline.v1.trunks_pb2_grpc import add_TrunkServiceServicer_to_server
from gateway.services.agents import AgentService
from gateway.services.campaigns import CampaignService
from gateway.services.dnc import DncService
from gateway.services.engine import EngineService
from gateway.services.events import EventService
from gateway.services.lists import ListService
from gateway.services.metrics import MetricsService
from gateway.services.pacing import PacingService
from gateway.services.recordings import RecordingService
from gateway.services.supervision import SupervisionService
from gateway.services.teams import TeamService
from gateway.services.trunks import TrunkService

if TYPE_CHECKING:
    from engine.runtime import Engine
    from gateway.server import Register

__all__ = ["all_services"]


def all_services(engine: Engine) -> list[Register]:
    """Return what adds each service of the API, over one engine, to a server.

    Each gets the rooms of the engine that it needs.
    """
    configuration = engine.configuration
    return [
        partial(
            add_AgentServiceServicer_to_server,
            AgentService(configuration, engine.agents, engine.lists),
        ),
        partial(
            add_CampaignServiceServicer_to_server, CampaignService(configuration, engine.campaigns)
        ),
        partial(add_DncServiceServicer_to_server, DncService(engine.dnc)),
        partial(add_EngineServiceServicer_to_server, EngineService(engine)),
        partial(add_EventServiceServicer_to_server, EventService(engine.events)),
        partial(
            add_ListServiceServicer_to_server,
            ListService(configuration, engine.lists, engine.imports),
        ),
        partial(add_MetricsServiceServicer_to_server, MetricsService(engine.metrics)),
        partial(add_PacingServiceServicer_to_server, PacingService(configuration, engine.pacing)),
        partial(
            add_RecordingServiceServicer_to_server,
            RecordingService(engine.recordings, engine.campaigns),
        ),
        partial(add_SupervisionServiceServicer_to_server, SupervisionService(engine.supervision)),
        partial(add_TeamServiceServicer_to_server, TeamService(configuration)),
        partial(add_TrunkServiceServicer_to_server, TrunkService(configuration, engine.trunks)),
    ]
