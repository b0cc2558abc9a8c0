"""Whether a campaign's prompts can be played: found out before a called party would hear silence.

A file is read whole, as the media switch would read it, on a thread of its own.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.domain.scenario import Collect, Play
from engine.domain.specs import CampaignSpec
from engine.telephony.media.prompts import PromptError, load_prompt
from engine.telephony.media.tones import BUILT_IN

READ_S: Final = 10.0
"""How long files may take to be read before they count as unreadable. [s]"""


class Named(NamedTuple):
    """A prompt and where a campaign names it."""

    field: str
    prompt: str


def prompts_of(spec: CampaignSpec) -> Iterator[Named]:
    """Yield what a campaign says of prompts, in the words of its settings; it may be empty."""
    for field in ("unattended_prompt", "opt_out_prompt", "hold_prompt", "prompt"):
        yield Named(field, getattr(spec, field))
    if spec.analysis is not None:
        yield Named("analysis.machine_prompt", spec.analysis.machine_prompt)
    if spec.scenario is not None:
        for name, step in spec.scenario.steps.items():
            if isinstance(step, Play | Collect):
                yield Named(f"scenario: step {name!r}: prompt", step.prompt)


async def find_fault(spec: CampaignSpec, present: CampaignSpec | None = None) -> str | None:
    """Say which prompt of a campaign cannot be played, and why; None if all can.

    Args:
        spec: The campaign.
        present: What it was: what it named already is not looked at again.
    """
    known = set(prompts_of(present)) if present else set()
    wanted = [
        named
        for named in prompts_of(spec)
        if named.prompt and named.prompt not in BUILT_IN and named not in known
    ]
    if not wanted:
        return None
    where = f"campaigns/{spec.campaign_id}"
    try:
        async with asyncio.timeout(READ_S):
            fault = await asyncio.to_thread(_read, wanted)
    except TimeoutError:
        return f"{where}: its prompts could not be read within {READ_S:.0f} s"
    return fault and f"{where}: {fault}"


def _read(wanted: Sequence[Named]) -> str | None:
    for field, prompt in wanted:
        try:
            load_prompt(prompt)
        except PromptError as error:
            return f"{field} {prompt!r}: {error}"
    return None
