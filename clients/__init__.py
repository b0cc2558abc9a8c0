"""The Python client of Paceline: what integrators import.

Names are fetched when they are asked for: ``clients.cli`` has to be there before gRPC is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clients.agents import Agents, Desk
    from clients.campaigns import Campaigns
    from clients.channel import DEFAULT_SERVER
    from clients.client import PacelineClient
    from clients.errors import PacelineError
    from clients.lists import DoNotCall, Lists
    from clients.operations import EngineControl, Teams, Trunks
    from clients.recordings import Recordings
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
    "Recordings",
    "Teams",
    "Trunks",
]
_HOMES = {
    "agents": ("Agents", "Desk"),
    "campaigns": ("Campaigns",),
    "channel": ("DEFAULT_SERVER",),
    "client": ("PacelineClient",),
    "errors": ("PacelineError",),
    "lists": ("DoNotCall", "Lists"),
    "operations": ("EngineControl", "Teams", "Trunks"),
    "recordings": ("Recordings",),
    "watching": ("Events", "MetricTable", "Metrics", "Pacing"),
}
"""Where each name lives."""


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"clients.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
