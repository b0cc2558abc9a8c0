"""What call progress analysis makes of simulated callees: when it decides, when it errs."""

from dataclasses import dataclass
from random import Random

from engine.domain.analysis import AnalysisSpec, Verdict

LATE_SHARE = 0.64
"""Of ``machine_speech_s``, enough when the limit comes, as in the media switch."""


@dataclass(frozen=True, slots=True)
class AnalysisLaw:
    """How callees sound and how often analysis is wrong; shares in [0, 1], times in seconds.

    Attributes:
        false_machine_ratio: Share of people who are taken for machines.
        missed_machine_ratio: Share of machines that are taken for people.
        begins_s: Answer to the first word, least and most.
        greeting_s: A person's greeting, least and most.
        machine_greeting_s: A machine's greeting up to the end of its tone, least and most.
        beep_ratio: Share of machines with a tone.
        fax_s: Answer to a fax machine's tone being known, least and most.
    """

    false_machine_ratio: float = 0.005
    missed_machine_ratio: float = 0.05
    begins_s: tuple[float, float] = (0.1, 1.0)
    greeting_s: tuple[float, float] = (0.3, 1.3)
    machine_greeting_s: tuple[float, float] = (5.0, 25.0)
    beep_ratio: float = 0.9
    fax_s: tuple[float, float] = (0.6, 1.6)


def judge(
    kind: Verdict, spec: AnalysisSpec, law: AnalysisLaw, random: Random
) -> tuple[Verdict, float, str]:
    """Return verdict, time to it and reason for a callee.

    Args:
        kind: Who answered: a person, a machine, a fax machine, or nobody who speaks.
        spec: Rules of the campaign.
        law: The law of the simulated world.
        random: The luck of this leg.
    """
    if kind is Verdict.FAX:
        found = (Verdict.FAX, random.uniform(*law.fax_s), "fax tone")
    elif kind is Verdict.SILENCE:
        return Verdict.SILENCE, min(spec.initial_silence_s, spec.limit_s), "nothing was said"
    else:
        found = _judge_speech(kind is Verdict.MACHINE, spec, law, random)
    if found[1] <= spec.limit_s:
        return found
    return Verdict.UNDECIDED, spec.limit_s, "limit reached"


def greeting_end_s(law: AnalysisLaw, random: Random) -> float:
    """Return when a person has said hello, from the beginning of the analysis. [s]

    Args:
        law: The law of the simulated world.
        random: The luck of this leg, as ``judge`` gets it.
    """
    return random.uniform(*law.begins_s) + random.uniform(*law.greeting_s)


def _judge_speech(
    machine: bool, spec: AnalysisSpec, law: AnalysisLaw, random: Random
) -> tuple[Verdict, float, str]:
    begins_s, speech_s = random.uniform(*law.begins_s), random.uniform(*law.greeting_s)
    wrong_ratio = law.missed_machine_ratio if machine else law.false_machine_ratio
    wrong = random.random() < wrong_ratio
    if not spec.detect_machines:
        return Verdict.PERSON, begins_s + spec.minimum_speech_s, "speech"
    if machine is not wrong:
        longest_s = spec.limit_s - begins_s
        if LATE_SHARE * spec.machine_speech_s <= longest_s < spec.machine_speech_s:
            return Verdict.MACHINE, spec.limit_s, "long greeting"
        return Verdict.MACHINE, begins_s + spec.machine_speech_s, "long greeting"
    return Verdict.PERSON, begins_s + speech_s + spec.greeting_silence_s, "short greeting"
