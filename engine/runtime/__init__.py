"""Builds the engine once, from settings, and is what the gateway drives."""

from engine.runtime.agents import Agents
from engine.runtime.assembly import OpenStore, OpenTelephony, Runtime
from engine.runtime.campaigns import Campaigns, Explanation
from engine.runtime.configuration import Configuration
from engine.runtime.do_not_call import DoNotCall
from engine.runtime.engine import Engine, EngineView
from engine.runtime.events import Events
from engine.runtime.import_run import ImportRun, Progress
from engine.runtime.imports import Imports
from engine.runtime.links import AgentLink, SupervisionLink
from engine.runtime.lists import Extras, Lists
from engine.runtime.pacing_views import PacingViews
from engine.runtime.supervision import Supervision
from engine.runtime.trunks import Trunks

__all__ = [
    "AgentLink",
    "Agents",
    "Campaigns",
    "Configuration",
    "DoNotCall",
    "Engine",
    "EngineView",
    "Events",
    "Explanation",
    "Extras",
    "ImportRun",
    "Imports",
    "Lists",
    "OpenStore",
    "OpenTelephony",
    "PacingViews",
    "Progress",
    "Runtime",
    "Supervision",
    "SupervisionLink",
    "Trunks",
]
