"""Runs a simulation and judges it: the very engine in virtual time, and a checker outside it."""

import time

from clients.checker import check_evidence
from engine.domain.specs import Mode
from engine.simulation import Script, simulate


def run(
    seed: int,
    agents: int,
    hours: float,
    answer_ratio: float,
    mode: str,
    *,
    faults: bool,
    analysis: bool = False,
) -> dict[str, object]:
    """Simulate and return the figures, by the names that scripts rely on.

    Args:
        seed: Of everything that is random; the same one gives the same trace hash.
        agents: Virtual agents.
        hours: Simulated time. [h]
        answer_ratio: Share of calls that a person answers, in [0, 1].
        mode: Mode of the campaigns.
        faults: Whether things go wrong: carrier, phones, operators, crashes.
        analysis: Whether machines answer too, and answers are analysed and treated.
    """
    began_s = time.perf_counter()
    script = Script(
        seed=seed,
        agents=agents,
        hours=hours,
        answer_ratio=answer_ratio,
        mode=Mode(mode),
        faults=faults,
        analysis=analysis,
    )
    result = simulate(script, check_evidence)
    figures: dict[str, object] = {
        "trace_hash": result.trace_hash,
        "attempts": result.attempts,
        "answered": result.answered,
        "connected": result.connected,
        "unattended": result.unattended,
        "unattended_ratio": round(result.unattended_ratio, 6),
        "busy_share": round(result.busy_share, 6),
        "violations": list(result.violations),
        "wall_s": round(time.perf_counter() - began_s, 3),
        "crashes": result.crashes,
        "faults": list(result.faults),
    }
    if analysis:
        figures |= {"verdicts": dict(result.verdicts), "treated": dict(result.treated)}
    return figures
