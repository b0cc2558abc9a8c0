"""The Python client of Paceline: what integrators import."""

from clients.agents import Agents, Desk
from clients.campaigns import Campaigns
from clients.channel import DEFAULT_SERVER
from clients.client import PacelineClient
from clients.errors import PacelineError
from clients.lists import DoNotCall, Lists
from clients.operations import EngineControl, Teams, Trunks
from clients.watching import Events, Metrics, MetricTable, Pacing

__all__ = [
    "DEFAULT_SERVER",
    "Agents",
    "Campaigns",
    "Desk",
    "DoNotCall",
    "EngineControl",
    "Events",
    "Lists",
    "MetricTable",
    "Metrics",
    "PacelineClient",
    "PacelineError",
    "Pacing",
    "Teams",
    "Trunks",
]
