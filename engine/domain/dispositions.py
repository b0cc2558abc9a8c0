"""Dispositions: what an attempt came to, in business words, and what then becomes of the record."""

from enum import StrEnum

import msgspec

from engine.domain.causes import Cause, Fault


class DispositionKind(StrEnum):
    """What a disposition means for its record."""

    SUCCESS = "success"
    FAILURE = "failure"
    CONTINUE = "continue"


class Action(StrEnum):
    """What becomes of a record when the retries of a dial rule are used up."""

    RESCHEDULE = "reschedule"
    NEXT_PASS = "next-pass"
    STOP_NUMBER = "stop-number"
    STOP_RECORD = "stop-record"


class Disposition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One possible result of an attempt.

    Attributes:
        slug: Stable name.
        kind: Success and failure finalise the record; continue leaves it to its dial rule.
        agent_visible: Whether agents may choose it.
        right_party: Whether it says that the intended person was reached.
        adds_to_dnc: Whether it puts the number on the internal do-not-call list.
    """

    slug: str
    kind: DispositionKind
    agent_visible: bool = True
    right_party: bool = False
    adds_to_dnc: bool = False


class DialRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a non-final disposition leads to (retry first, then the action).

    Attributes:
        disposition: Slug of the disposition it is for.
        max_retries: Quick further dials of the same number that belong to the same attempt.
        retry_delay_s: Time between them. [s]
        action: What happens once retries are used up.
        delay_s: For ``RESCHEDULE``: time until the record may be attempted again. [s]
    """

    disposition: str
    max_retries: int = 0
    retry_delay_s: float = 300.0
    action: Action = Action.RESCHEDULE
    delay_s: float = 86_400.0


def _system(slug: str, kind: DispositionKind = DispositionKind.CONTINUE) -> Disposition:
    return Disposition(slug, kind, agent_visible=False)


SUCCESS = Disposition("success", DispositionKind.SUCCESS, right_party=True)
REJECTED = Disposition("offer-rejected", DispositionKind.FAILURE, right_party=True)
ADD_TO_DNC = Disposition("add-to-dnc", DispositionKind.FAILURE, adds_to_dnc=True)
BAD_RECORD = Disposition("bad-record", DispositionKind.FAILURE)
CALL_BACK = Disposition("call-back", DispositionKind.CONTINUE, right_party=True)
WRONG_PERSON = Disposition("wrong-person", DispositionKind.CONTINUE)
ANSWERING_MACHINE = Disposition("answering-machine", DispositionKind.CONTINUE)
SILENCE = Disposition("silence", DispositionKind.CONTINUE)
FAX = Disposition("fax", DispositionKind.CONTINUE)
BUSY = Disposition("busy", DispositionKind.CONTINUE)
NO_ANSWER = Disposition("no-answer", DispositionKind.CONTINUE)
INVALID_NUMBER = Disposition("invalid-number", DispositionKind.CONTINUE)
NETWORK_FAILURE = Disposition("network-failure", DispositionKind.CONTINUE)
ABANDONED = _system("abandoned")
"""Queued or under analysis, and the called party hung up first."""
NO_AGENT = _system("no-agent")
"""Answered, and no agent came within the limit: dropped or treated by a message."""
NO_DISPOSITION = _system("no-disposition")
"""Connected to an agent who chose none."""
SYSTEM_FAILURE = _system("system-failure")
MESSAGE_CUT = _system("message-cut")
"""Automatic mode: the person hung up before the message was over."""
PLAYED = _system("message-played")
"""Automatic mode: the message was heard to its end."""
MESSAGE_LEFT = _system("message-left")
"""An answering machine took a message to its end; the dial rule says when to try again."""
NO_NUMBERS_LEFT = _system("no-numbers-left", DispositionKind.FAILURE)
NOT_PLACED = _system("not-placed")
"""The INVITE never left: stopped, or the gate closed, after the intent was written."""

PREDEFINED: dict[str, Disposition] = {
    disposition.slug: disposition
    for disposition in (
        SUCCESS,
        REJECTED,
        ADD_TO_DNC,
        BAD_RECORD,
        CALL_BACK,
        WRONG_PERSON,
        ANSWERING_MACHINE,
        SILENCE,
        FAX,
        BUSY,
        NO_ANSWER,
        INVALID_NUMBER,
        NETWORK_FAILURE,
        ABANDONED,
        NO_AGENT,
        NO_DISPOSITION,
        SYSTEM_FAILURE,
        MESSAGE_CUT,
        MESSAGE_LEFT,
        PLAYED,
        NO_NUMBERS_LEFT,
        NOT_PLACED,
    )
}
"""Every disposition a campaign has without being told, by slug."""

DEFAULT_RULES: dict[str, DialRule] = {
    rule.disposition: rule
    for rule in (
        DialRule("busy", max_retries=2, retry_delay_s=300.0, delay_s=3_600.0),
        DialRule("no-answer", delay_s=14_400.0),
        DialRule("network-failure", max_retries=1, retry_delay_s=120.0, delay_s=3_600.0),
        DialRule("system-failure", delay_s=900.0),
        DialRule("invalid-number", action=Action.STOP_NUMBER),
        DialRule("fax", action=Action.STOP_NUMBER),
        DialRule("answering-machine", delay_s=14_400.0),
        DialRule("silence", delay_s=14_400.0),
        DialRule("abandoned", delay_s=86_400.0),
        DialRule("no-agent", delay_s=259_200.0),
    )
}
"""Dial rules where a campaign sets none; any other continuing disposition waits 24 hours.

After an unattended call the number rests for 72 hours, the strictest rule known (Ofcom).
"""


def disposition_of(cause: Cause) -> Disposition:
    """Return the system disposition of an attempt that was never answered."""
    if cause.slug in {"busy", "no-answer"}:
        return PREDEFINED[cause.slug]
    match cause.fault:
        case Fault.NUMBER:
            return INVALID_NUMBER
        case Fault.CALLED_PARTY:
            return ADD_TO_DNC if cause.slug == "unwanted" else NO_ANSWER
        case Fault.CARRIER:
            return NETWORK_FAILURE
        case Fault.ENGINE | Fault.NONE:
            return SYSTEM_FAILURE
