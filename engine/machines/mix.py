"""Who hears whom: the mix of one call, from its parties and the supervisors' modes.

| mode | supervisor hears | agent hears supervisor | customer hears supervisor |
| --- | --- | --- | --- |
| monitor | both | no | no |
| coach | both | yes | no |
| barge_in | both | yes | yes |
"""

from collections.abc import Mapping
from enum import StrEnum

from engine.domain.ids import LegId


class SupervisionMode(StrEnum):
    """What a supervisor's voice reaches."""

    MONITOR = "monitor"
    COACH = "coach"
    BARGE_IN = "barge-in"


def mix_of(
    agent: LegId | None,
    customer: LegId | None,
    supervisors: Mapping[LegId, SupervisionMode],
    *,
    held: bool = False,
) -> dict[LegId, tuple[LegId, ...]]:
    """Return what each leg of a call hears; a row for every leg, empty for silence.

    Args:
        agent: The agent's leg, if it is up.
        customer: The customer's leg, if the call is connected.
        supervisors: Mode by supervisor's leg.
        held: Whether the customer is on hold: hears nobody, and is heard by nobody.
    """
    heard_customer = () if held or customer is None else (customer,)
    heard_agent = () if agent is None else (agent,)
    coaches = tuple(leg for leg, mode in supervisors.items() if mode is not SupervisionMode.MONITOR)
    barging = tuple(leg for leg, mode in supervisors.items() if mode is SupervisionMode.BARGE_IN)
    rows: dict[LegId, tuple[LegId, ...]] = {}
    if agent is not None:
        rows[agent] = heard_customer + coaches
    if customer is not None:
        rows[customer] = () if held else heard_agent + barging
    for leg in supervisors:
        # Supervisors who speak to the agent also hear each other; a monitor is heard by nobody.
        others = tuple(other for other in coaches if other != leg)
        rows[leg] = heard_customer + heard_agent + others
    return rows
