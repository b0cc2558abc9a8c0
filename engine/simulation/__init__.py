"""Runs the very engine in virtual time: simulated carrier, virtual people, crashes on demand."""

from engine.simulation.driver import Simulation, simulate
from engine.simulation.result import Evidence, SimulationResult
from engine.simulation.scene import Scene, Script, set_scene

__all__ = ["Evidence", "Scene", "Script", "Simulation", "SimulationResult", "set_scene", "simulate"]
