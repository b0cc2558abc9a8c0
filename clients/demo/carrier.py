"""The virtual carrier: where a trunk leads to, with people who answer, or do not; and its log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.demo import sip
from clients.demo.endpoint import Call, Endpoint, Timer
from clients.demo.people import Fate, Kind
from clients.demo.wire import Wire

if TYPE_CHECKING:
    from clients.demo.people import People
    from clients.demo.rtp import Voice, Voices

CUSTOMER_HZ = 450
AGENT_HZ = 650


@dataclass(eq=False, slots=True)
class Line:
    """One called party in one call.

    Attributes:
        call: The call.
        fate: What becomes of it.
        voice: The party's sound, once it answered.
        ending: Hanging up, to come.
        talking: Whether the agent has been heard.
    """

    call: Call
    fate: Fate
    voice: Voice | None = None
    ending: Timer | None = None
    talking: bool = False


@dataclass(slots=True)
class Log:
    """What a carrier saw; it knows nothing of what the engine believes.

    Attributes:
        invites_s: When each new INVITE came in. [s since the epoch]
        answered: Calls answered.
        heard: Answered calls in which the agent was heard.
        numbers: Calls by number.
    """

    invites_s: list[float] = field(default_factory=list)
    answered: int = 0
    heard: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    def invites_after(self, instant_s: float) -> int:
        """Return how many new INVITEs came in after an instant. [s since the epoch]"""
        return sum(invite_s > instant_s for invite_s in self.invites_s)

    def first_after(self, instant_s: float) -> float | None:
        """Return when the first new INVITE after an instant came in, None if none did."""
        return min((each for each in self.invites_s if each >= instant_s), default=None)


class Carrier:
    """Answers a trunk's calls as people do."""

    def __init__(self, host: str, people: People, voices: Voices) -> None:
        """Bind any free port and answer from now on.

        Args:
            host: Address to bind.
            people: Who is called.
            voices: Their sound.
        """
        self.log = Log()
        self._people = people
        self._voices = voices
        self._loop = asyncio.get_running_loop()
        self._lines: dict[Call, Line] = {}
        self._wire = Wire(host, self._receive)
        self._endpoint = Endpoint(
            self._wire.send, self._loop.call_later, self._on_invite, self._on_ended
        )
        self._at_s = 0.0

    @property
    def address(self) -> str:
        """``host:port`` of the trunk."""
        return f"{self._wire.host}:{self._wire.port}"

    @property
    def calls(self) -> int:
        """Calls that have not ended."""
        return len(self._lines)

    def close(self) -> None:
        """Hang up all calls and close the socket."""
        for line in tuple(self._lines.values()):
            self._endpoint.hang_up(line.call)
        self._wire.close()

    def _receive(self, datagram: bytes, source: tuple[str, int], at_s: float) -> None:
        self._at_s = at_s
        self._endpoint.receive(datagram, source)

    def _on_invite(self, call: Call) -> None:
        self.log.invites_s.append(self._at_s)
        number = sip.user_in(call.invite.uri)
        self.log.numbers[number] = self.log.numbers.get(number, 0) + 1
        line = self._lines[call] = Line(call, self._people.fate())
        if line.fate.kind is Kind.UNKNOWN:
            self._loop.call_later(line.fate.ring_s, self._endpoint.reject, call, 404)
        elif line.fate.kind is Kind.BUSY:
            self._loop.call_later(line.fate.ring_s, self._endpoint.reject, call, 486)
        else:
            self._loop.call_later(0.2, self._endpoint.ring, call)
            if line.fate.kind is Kind.ANSWERS:
                self._loop.call_later(line.fate.ring_s, self._answer, line)

    def _answer(self, line: Line) -> None:
        if line.call not in self._lines:
            return
        self.log.answered += 1
        line.voice = self._voices.open(
            self._wire.host, CUSTOMER_HZ, AGENT_HZ, lambda: self._on_heard(line)
        )
        port = line.voice.port if line.voice else 9
        remote = sip.audio_in(line.call.invite.body)
        if line.voice is not None:
            line.voice.speak_to(remote)
        contact = f"sip:{sip.user_in(line.call.invite.uri)}@{self.address}"
        self._endpoint.answer(line.call, contact, sip.describe(self._wire.host, port))
        line.ending = self._loop.call_later(line.fate.patience_s, self._endpoint.hang_up, line.call)

    def _on_heard(self, line: Line) -> None:
        if line.talking:
            return  # back from hold
        line.talking = True
        self.log.heard += 1
        if line.ending is not None:
            line.ending.cancel()
        line.ending = self._loop.call_later(line.fate.talk_s, self._endpoint.hang_up, line.call)

    def _on_ended(self, call: Call) -> None:
        line = self._lines.pop(call)
        if line.ending is not None:
            line.ending.cancel()
        if line.voice is not None:
            self._voices.close(line.voice)
