"""The simulated carrier and phones: the telephony port's twin for virtual time, with faults."""

from engine.telephony.simulated.laws import CarrierModel, NetworkFaults, Window, draw_windows
from engine.telephony.simulated.listening import AnalysisLaw
from engine.telephony.simulated.network import Clock, Network
from engine.telephony.simulated.telephony import SimulatedTelephony
from engine.telephony.simulated.witness import Row, Witness

__all__ = [
    "AnalysisLaw",
    "CarrierModel",
    "Clock",
    "Network",
    "NetworkFaults",
    "Row",
    "SimulatedTelephony",
    "Window",
    "Witness",
    "draw_windows",
]
