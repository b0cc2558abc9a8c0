"""Answer for what each listener hears: the sparse mix matrix, prompts, and the frames they make.

Most listeners hear exactly one source in their own law and get its very octets; only what is really
mixed is decoded. Which listener needs what is worked out when a row changes, not at each tick.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.telephony.media import g711
from engine.telephony.media.g711 import FRAME, I16, I32, TRANSCODED, U8
from engine.telephony.media.jitter import Bools, Index
from engine.telephony.media.prompts import PromptBank

MOST_SOURCES: Final = 8
"""Sources that one listener can hear at once."""

SILENT_LEG: Final = 0
"""Row of a leg that never says anything; unused places of the matrix name it."""


class MixMatrix:
    """Who hears whom: for each leg, up to MOST_SOURCES others.

    Attributes:
        sources: Sources of each leg, the used ones first, shape (legs, MOST_SOURCES).
        count: How many of them are used, shape (legs,).
    """

    def __init__(self, legs: int) -> None:
        self.sources: Index = np.full((legs, MOST_SOURCES), SILENT_LEG, dtype=np.intp)
        self.count: Index = np.zeros(legs, dtype=np.intp)

    def set_rows(self, rows: Mapping[int, tuple[int, ...]]) -> None:
        """Say whom some listeners hear; nobody hears itself."""
        for listener, sources in rows.items():
            wanted = [leg for leg in dict.fromkeys(sources) if leg not in (listener, SILENT_LEG)]
            used = wanted[:MOST_SOURCES]
            self.sources[listener] = SILENT_LEG
            self.sources[listener, : len(used)] = used
            self.count[listener] = len(used)

    def remove(self, leg: int) -> None:
        """Let a leg hear nobody, and nobody hear it."""
        for listener in np.flatnonzero((self.sources == leg).any(axis=1)).tolist():
            rest = [source for source in self.sources[listener].tolist() if source != leg]
            self.set_rows({listener: tuple(rest)})
        self.set_rows({leg: ()})


class Players:
    """Which leg is played which prompt, and how far it is.

    Attributes:
        playing: Legs that are being played something, shape (legs,).
        instead: Of these, the ones that hear nothing else meanwhile, shape (legs,).
    """

    def __init__(self, legs: int) -> None:
        self.playing: Bools = np.zeros(legs, dtype=np.bool_)
        self.instead: Bools = np.zeros(legs, dtype=np.bool_)
        self._loop: Bools = np.zeros(legs, dtype=np.bool_)
        self._first: Index = np.zeros(legs, dtype=np.intp)
        self._frames: Index = np.ones(legs, dtype=np.intp)
        self._at: Index = np.zeros(legs, dtype=np.intp)

    def start(self, leg: int, place: tuple[int, int], *, loop: bool, instead: bool) -> None:
        """Play a prompt of the bank to a leg from its beginning."""
        self._first[leg], self._frames[leg] = place
        self._at[leg] = 0
        self._loop[leg], self.instead[leg] = loop, instead
        self.playing[leg] = True

    def stop(self, leg: int) -> None:
        """Play nothing more to a leg."""
        self.playing[leg] = self.instead[leg] = False

    def frames(self, legs: Index) -> Index:
        """Return the place in the bank of the frame that each of some legs hears now."""
        return self._first[legs] + self._at[legs]

    def advance(self) -> list[int]:
        """Go on by one frame and return the legs whose prompt has ended."""
        legs = np.flatnonzero(self.playing)
        if not legs.size:
            return []
        self._at[legs] += 1
        over = legs[self._at[legs] >= self._frames[legs]]
        self._at[over] = 0
        ended: list[int] = over[~self._loop[over]].tolist()
        for leg in ended:
            self.stop(leg)
        return ended


@dataclass(frozen=True, slots=True)
class Plan:
    """What each of N listeners needs, worked out once for as long as nothing changes.

    Attributes:
        first: First source of each, shape (N,).
        recode: Places among the N of those who hear one source of the other law.
        recode_laws: That law and the listener's own, each as a column.
        prompts: Places of those who hear a prompt alone.
        prompt_legs: Their legs.
        mixes: Places of those for whom samples are added.
        sources: Their sources, shape (mixes, most in use).
        played: Places among the mixes of those who hear a prompt too.
        played_legs: Their legs.
        laws: Law of each of the N.
    """

    first: Index
    recode: Index
    recode_laws: tuple[Index, Index]
    prompts: Index
    prompt_legs: Index
    mixes: Index
    sources: Index
    played: Index
    played_legs: Index
    laws: Index


def make_plan(
    matrix: MixMatrix, players: Players, laws: Index, listeners: Index, nobody: int = SILENT_LEG
) -> Plan:
    """Work out what listeners need.

    Args:
        matrix: Who hears whom.
        players: Who is played something.
        laws: Law of every leg, shape (legs,).
        listeners: Legs to serve, in the order of the frames wanted.
        nobody: Row of what those hear who hear nobody.
    """
    playing, instead = players.playing[listeners], players.instead[listeners]
    count = np.where(instead, 0, matrix.count[listeners])
    prompt = playing & (count == 0)
    mixed = ~prompt & ((count > 1) | playing)
    first = np.where(count == 0, nobody, matrix.sources[listeners, 0])
    own = laws[listeners]
    recode = np.flatnonzero(~prompt & ~mixed & (laws[first] != own))
    prompts, mixes = np.flatnonzero(prompt), np.flatnonzero(mixed)
    width = max(1, int(count[mixes].max(initial=0)))
    played = np.flatnonzero(playing[mixes])
    return Plan(
        first=first,
        recode=recode,
        recode_laws=(laws[first[recode]][:, np.newaxis], own[recode][:, np.newaxis]),
        prompts=prompts,
        prompt_legs=listeners[prompts],
        mixes=mixes,
        sources=matrix.sources[listeners[mixes], :width],
        played=played,
        played_legs=listeners[mixes[played]],
        laws=own,
    )


def render(plan: Plan, said: U8, laws: Index, players: Players, bank: PromptBank) -> U8:
    """Return what each listener of a plan hears now, in its own law, shape (N, FRAME).

    Args:
        plan: What the listeners need.
        said: What every leg says, in its own law, shape (legs, FRAME).
        laws: Law of every leg, shape (legs,).
        players: Who is played something.
        bank: Where the prompts are.
    """
    heard = said.take(plan.first, axis=0)
    if plan.recode.size:
        come, own = plan.recode_laws
        heard[plan.recode] = TRANSCODED[come, own, heard[plan.recode]]
    if plan.prompts.size:
        frames = players.frames(plan.prompt_legs)
        heard[plan.prompts] = bank.codes(frames, plan.laws[plan.prompts])
    if plan.mixes.size:
        samples = g711.saturate(_sum(plan, said, laws, players, bank))
        heard[plan.mixes] = g711.encode_rows(samples, plan.laws[plan.mixes])
    return heard


def render_samples(plan: Plan, said: U8, laws: Index, players: Players, bank: PromptBank) -> I16:
    """Return what each listener of a plan hears now as samples, shape (N, FRAME)."""
    heard = g711.decode(said.take(plan.first, axis=0), laws[plan.first])
    if plan.prompts.size:
        heard[plan.prompts] = bank.samples(players.frames(plan.prompt_legs))
    if plan.mixes.size:
        heard[plan.mixes] = g711.saturate(_sum(plan, said, laws, players, bank))
    return heard


def _sum(plan: Plan, said: U8, laws: Index, players: Players, bank: PromptBank) -> I32:
    total: I32 = np.zeros((plan.mixes.size, FRAME), dtype=np.int32)
    for column in range(plan.sources.shape[1]):
        sources = plan.sources[:, column]
        total += g711.decode(said.take(sources, axis=0), laws[sources])
    if plan.played.size:
        total[plan.played] += bank.samples(players.frames(plan.played_legs))
    return total
