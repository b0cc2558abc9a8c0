"""Builds the engine once, from settings, and is what the gateway drives."""

from engine.runtime.assembly import OpenStore, OpenTelephony, Runtime
from engine.runtime.engine import Engine, EngineView, Explanation, Extras
from engine.runtime.imports import ImportRun, Progress
from engine.runtime.links import AgentLink, SupervisionLink

__all__ = [
    "AgentLink",
    "Engine",
    "EngineView",
    "Explanation",
    "Extras",
    "ImportRun",
    "OpenStore",
    "OpenTelephony",
    "Progress",
    "Runtime",
    "SupervisionLink",
]
