"""Call progress analysis in business words: what answered, by which rules, and what follows."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What the audio of an answered leg says about who answered."""

    PERSON = "person"
    MACHINE = "machine"
    """An answering machine or voicemail."""
    FAX = "fax"
    """Fax or modem: calling tone (CNG, 1100 Hz) or answer tone (CED, 2100 Hz)."""
    SILENCE = "silence"
    """Nothing was said within the limit."""
    BUSY = "busy"
    """Busy or congestion tone after the answer."""
    INVALID = "invalid"
    """Special information tones: the number is not in service (ITU-T E.180)."""
    UNDECIDED = "undecided"
    """Sound, and no verdict within the limit: counts as a person."""


PEOPLE = frozenset({Verdict.PERSON, Verdict.UNDECIDED})
"""Verdicts that count as a person: what nobody can tell does."""


class Treatment(StrEnum):
    """What is done with a call that no person answered."""

    END = "end"
    CONNECT = "connect"
    """To an agent, as if a person had answered."""
    MESSAGE = "message"
    """Machines only: wait for the tone, then play a message."""


class AnalysisSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one campaign has answered calls analysed, and what it does with the verdicts.

    Attributes:
        detect_machines: Whether machines are told from people; if not, any speech is a person.
        limit_s: No verdict by then counts as a person: nobody is held in silence. [s]
        initial_silence_s: Silence from the answer on that is a verdict of its own. [s]
        greeting_silence_s: Silence after short speech that says: a person, who waits. [s]
        minimum_speech_s: Shorter sounds are noise. [s]
        machine_speech_s: Speech without such a silence for so long is a machine; when the limit
            comes while speech goes on, two thirds of it are enough. [s]
        machine: What is done with machines.
        machine_prompt: Message left after the tone.
        beep_limit_s: Longest wait for a machine's tone; then the call ends. [s]
        fax: What is done with fax machines; ``MESSAGE`` is not allowed.
        silence: What is done with silence; ``MESSAGE`` is not allowed.
    """

    detect_machines: bool = True
    limit_s: float = 3.0
    initial_silence_s: float = 2.5
    greeting_silence_s: float = 0.608
    minimum_speech_s: float = 0.112
    machine_speech_s: float = 2.4
    machine: Treatment = Treatment.END
    machine_prompt: str = ""
    beep_limit_s: float = 30.0
    fax: Treatment = Treatment.END
    silence: Treatment = Treatment.CONNECT
