"""Invariant P3 in virtual time: loss, repetition and reordering from many seeds change no result.

A proxy may fork a call to two places; the caller may cancel it just as somebody answers.
"""

import random
from collections import Counter

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import Answered, Ended, Incoming
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.user_agent import UserAgent
from tests.conformance.sip.test_unreliable_network import CALLED, CALLER, Network

FORK = Destination("192.0.2.3", 5060)
CALLS = 40
SEEDS = [pytest.param(seed, seed % 7 * 0.05, id=f"seed {seed}") for seed in range(14)]


class Town(Network):
    """A network in which the called think before they answer, and a call may reach two of them.

    Attributes:
        rang: INVITEs that became calls, by Call-ID and place.
    """

    def __init__(self, seed: int, loss: float, *, forks: bool = False) -> None:
        super().__init__(seed, loss, repeat=0.1, delay_s=0.5)
        self.forks = forks
        self.thinks = random.Random(seed)
        self.due: list[tuple[float, Destination, str]] = []
        self.rang: Counter[tuple[Destination, str]] = Counter()
        self.events[FORK] = []
        self.agents[FORK] = UserAgent(
            FORK.host,
            FORK.port,
            Tokens(b"a secret of a third place", "1"),
            lambda octets, to: self.send(octets, FORK, to),
            self.events[FORK].append,
            lambda _: True,
            lambda _request, _source: 200,
        )

    def send(self, octets: bytes, source: Destination, to: Destination) -> bool:
        begins = octets.startswith((b"INVITE ", b"CANCEL ")) and b";tag=" not in _to(octets)
        if self.forks and begins and to == CALLED:
            super().send(octets, source, FORK)
        return super().send(octets, source, to)

    def react(self) -> None:
        for place in (CALLED, FORK):
            for event in [each for each in self.events[place] if isinstance(each, Incoming)]:
                self.events[place].remove(event)
                leg = self.agents[place]._core.legs[event.leg_id]
                self.rang[place, leg.dialog.call_id] += 1
                self.agents[place].ring(event.leg_id, self.now_s)
                self.due.append((self.now_s + self.thinks.uniform(0, 4), place, event.leg_id))

    def live(self, seconds: float) -> None:
        """Let time pass in small steps, and those answer whose time has come."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.run(0.25)
            due = [each for each in self.due if each[0] <= self.now_s]
            self.due = [each for each in self.due if each[0] > self.now_s]
            for _, place, leg_id in due:
                self.agents[place].answer(leg_id, LocalMedia(place.host, 4000), self.now_s)

    def hang_up(self, leg_id: str) -> None:
        """Let the caller hang up."""
        self.agents[CALLER].hang_up(leg_id, self.now_s)

    def told(self, kind: type[Answered | Ended]) -> Counter[str]:
        """Return how often the caller was told of something, by leg."""
        return Counter(e.leg_id for e in self.events[CALLER] if type(e) is kind)

    def expect_nothing_left(self) -> None:
        """Expect no leg and no transaction anywhere, and each leg's end told once."""
        self.live(200)
        for place, agent in self.agents.items():
            assert (agent.open_legs, agent.open_transactions) == (0, 0), place
            ends = Counter(e.leg_id for e in self.events[place] if isinstance(e, Ended))
            assert set(ends.values()) <= {1}


def _to(octets: bytes) -> bytes:
    return octets.partition(b"\r\nTo: ")[2].partition(b"\r\n")[0]


@pytest.mark.parametrize(("seed", "loss"), SEEDS)
def test_one_invite_is_one_call_and_nearly_all_succeed(seed: int, loss: float) -> None:
    town = Town(seed, loss)
    legs = [town.call(number) for number in range(CALLS)]
    town.live(36)
    answered = town.told(Answered)
    assert set(answered.values()) == {1}
    assert len(answered) >= 0.99 * CALLS
    assert set(town.rang.values()) == {1}
    for leg_id in legs:
        town.hang_up(leg_id)
    town.expect_nothing_left()
    assert town.told(Ended) == Counter(legs)


@pytest.mark.parametrize(("seed", "loss"), SEEDS)
def test_a_call_cancelled_as_it_is_answered_is_over_on_both_sides(seed: int, loss: float) -> None:
    town = Town(seed, loss)
    legs = [town.call(number) for number in range(CALLS)]
    chance = random.Random(seed)
    for leg_id in sorted(legs, key=lambda _: chance.random()):
        town.live(0.25 if chance.random() < 0.5 else 0)
        town.hang_up(leg_id)
    town.expect_nothing_left()
    assert town.told(Ended) == Counter(legs)
    assert set(town.rang.values()) <= {1}


@pytest.mark.parametrize(("seed", "loss"), SEEDS)
def test_of_two_places_that_answer_one_has_the_call(seed: int, loss: float) -> None:
    town = Town(seed, loss, forks=True)
    legs = [town.call(number) for number in range(CALLS)]
    town.live(60)
    answered = town.told(Answered)
    assert set(answered.values()) == {1}
    assert len(answered) >= 0.99 * CALLS
    open_now = sum(town.agents[place].open_legs for place in (CALLED, FORK))
    assert open_now == town.agents[CALLER].open_legs  # every other fork got ACK and BYE
    assert {place for place, _ in town.rang} == {CALLED, FORK}
    for leg_id in legs:
        town.hang_up(leg_id)
    town.expect_nothing_left()
