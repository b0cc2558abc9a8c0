"""Every method that the API declares is served: none is left to the generated refusal."""

import inspect

import pytest

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

SERVICES = (
    AgentService,
    CampaignService,
    DncService,
    EngineService,
    EventService,
    ListService,
    MetricsService,
    PacingService,
    RecordingService,
    SupervisionService,
    TeamService,
    TrunkService,
)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_every_declared_method_is_served(service: type) -> None:
    declared = inspect.getmembers(service.__mro__[1], inspect.isfunction)
    names = [name for name, _ in declared if not name.startswith("_")]
    assert names
    assert [name for name in names if name not in vars(service)] == []
