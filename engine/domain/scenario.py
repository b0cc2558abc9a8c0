"""Scenarios: what people who answer an automatic campaign hear, press, and are brought to.

A scenario is data and nothing else: named steps that lead to one another. ``check_scenario`` holds
it to what can be carried out safely before it is kept; ``engine.machines.scenario`` runs it.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from engine.domain.refusals import InvalidRequestError

KEYS = frozenset("0123456789*#")
"""Keys of a telephone (RFC 4733 §3.2); A to D are on none that people have."""
MOST_STEPS = 50
LONGEST_S = 900.0
"""No scenario holds a person longer. [s]"""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LONGEST_PROMPT = 1024


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """Base of steps; on disk and in files ``do`` says which it is."""


class Play(_Step, frozen=True, tag="play"):
    """Play a prompt, then go on.

    A key that the step after it, a ``Collect``, has a choice for cuts the prompt short.
    """

    prompt: str
    then: str


class Collect(_Step, frozen=True, tag="collect"):
    """Wait for one key.

    A key may be pressed while the prompt plays. One that has no choice, and none within the time,
    is a try; after the last try ``otherwise`` follows.

    Attributes:
        choices: Step by key, at least one.
        otherwise: Step after the last try.
        prompt: Played at the beginning of each try; empty: none.
        within_s: Time for a key from the end of the prompt, 1 to 30. [s]
        tries: How often it is asked, 1 to 5.
    """

    choices: Mapping[str, str]
    otherwise: str
    prompt: str = ""
    within_s: float = 5.0
    tries: int = 1


class Transfer(_Step, frozen=True, tag="transfer"):
    """Give the person to the next agent of the campaign; the scenario ends.

    If none comes in time, the call is unattended, as in any other mode.
    """


class AddToDnc(_Step, frozen=True, tag="add-to-dnc"):
    """Never call the number again, then go on."""

    then: str


class DoNotRecord(_Step, frozen=True, tag="do-not-record"):
    """Let the call be unrecorded from now on, then go on.

    Attributes:
        then: The next step.
        banned: Whether nobody may record it any more; otherwise agent or supervisor may.
    """

    then: str
    banned: bool = False


class Dispose(_Step, frozen=True, tag="set-disposition"):
    """Say what the call came to, then go on; the last one said holds, unless an agent says more."""

    disposition: str
    then: str


class End(_Step, frozen=True, tag="hang-up"):
    """Hang up."""


Step = Play | Collect | Transfer | AddToDnc | DoNotRecord | Dispose | End


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done with people who answer.

    Attributes:
        first: Name of the first step.
        steps: By name, at most 50.
        limit_s: A person who is still in it after this time is hung up on, 5 to 900. [s]
    """

    first: str
    steps: Mapping[str, Step]
    limit_s: float = 180.0


def one_prompt(prompt: str) -> Scenario:
    """Return the scenario of a campaign that has a prompt and no more.

    Args:
        prompt: What is played.
    """
    return Scenario(
        first="message",
        steps={"message": Play(prompt, then="end"), "end": End()},
        limit_s=LONGEST_S,
    )


def followers(step: Step) -> tuple[str, ...]:
    """Return the names of all steps that may come next."""
    match step:
        case Play(then=then) | AddToDnc(then=then) | DoNotRecord(then=then) | Dispose(then=then):
            return (then,)
        case Collect(choices=choices, otherwise=otherwise):
            return (*choices.values(), otherwise)
        case Transfer() | End():
            return ()


def check_scenario(scenario: Scenario, where: str) -> None:
    """Refuse a scenario that leads nowhere, never ends, or asks what cannot be done.

    Args:
        scenario: The scenario.
        where: Whose it is, for the message.

    Raises:
        InvalidRequestError: It is no scenario; the message names the step.
    """
    found = next(_faults(scenario), None)
    if found is not None:
        raise InvalidRequestError(f"{where}: scenario: {found}", slug="invalid-scenario")


def _faults(scenario: Scenario) -> Iterator[str]:
    """Yield what is wrong, the most basic first."""
    steps = scenario.steps
    if not 5.0 <= scenario.limit_s <= LONGEST_S:
        yield f"limit_s {scenario.limit_s:g} is not in 5 to {LONGEST_S:g}"
    if not 1 <= len(steps) <= MOST_STEPS:
        yield f"has {len(steps)} steps, not 1 to {MOST_STEPS}"
    if scenario.first not in steps:
        yield f"the first step {scenario.first!r} does not exist"
    for name, step in steps.items():
        if not _NAME.fullmatch(name):
            yield f"step {name!r}: a name is lower-case letters, digits and hyphens, at most 40"
        yield from (f"step {name!r}: {fault}" for fault in _step_faults(step))
        for after in followers(step):
            if after not in steps:
                yield f"step {name!r} leads to {after!r}, which does not exist"
    reached = _reached(scenario)
    for name in steps:
        if name not in reached:
            yield f"step {name!r} is never reached"
    for name in steps:
        if name in _after_without_waiting(steps, name):
            yield f"step {name!r} leads back to itself without waiting for the person"


def _step_faults(step: Step) -> Iterator[str]:
    match step:
        case Play(prompt=prompt):
            if not prompt:
                yield "has no prompt"
            yield from _prompt_faults(prompt)
        case Collect():
            yield from _collect_faults(step)
        case Dispose(disposition=""):
            yield "has no disposition"
        case _:
            return


def _prompt_faults(prompt: str) -> Iterator[str]:
    if len(prompt) > _LONGEST_PROMPT or not prompt.isprintable():
        yield f"its prompt is no name of at most {_LONGEST_PROMPT} printable characters"


def _collect_faults(step: Collect) -> Iterator[str]:
    yield from _prompt_faults(step.prompt)
    if not step.choices:
        yield "has no choices"
    for key in step.choices:
        if key not in KEYS:
            yield f"{key!r} is no key; keys are 0 to 9, * and #"
    if not 1.0 <= step.within_s <= 30.0:
        yield f"within_s {step.within_s:g} is not in 1 to 30"
    if not 1 <= step.tries <= 5:
        yield f"tries {step.tries} is not in 1 to 5"


def _reached(scenario: Scenario) -> set[str]:
    found, fresh = {scenario.first}, [scenario.first]
    while fresh:
        after = set(followers(scenario.steps[fresh.pop()])) - found
        found |= after
        fresh += after
    return found


def _after_without_waiting(steps: Mapping[str, Step], name: str) -> set[str]:
    """Return the steps that follow one before any of them waits for a key."""
    found: set[str] = set()
    fresh = [name]
    while fresh:
        step = steps[fresh.pop()]
        if isinstance(step, Collect):
            continue  # waits for the person, at least a second a try
        after = set(followers(step)) - found
        found |= after
        fresh += after
    return found
