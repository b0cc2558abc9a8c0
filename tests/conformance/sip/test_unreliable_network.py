"""Two user agents over a network that loses, repeats and reorders (invariant P3)."""

import heapq
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import Answered, AnyEvent, Ended, Incoming
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.sdp import Direction, LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.user_agent import UserAgent
from tests.unit.telephony.sip.harness import ANSWER, Bench

CALLER, CALLED = Destination("192.0.2.1", 5060), Destination("192.0.2.2", 5060)


class Network:
    """Carries datagrams with loss, repetition and delay, all from one seed."""

    def __init__(self, seed: int, loss: float, repeat: float, delay_s: float) -> None:
        self.chance = random.Random(seed)
        self.loss, self.repeat, self.delay_s = loss, repeat, delay_s
        self.now_s = 0.0
        self.count = 0
        self.flying: list[tuple[float, int, bytes, Destination, Destination]] = []
        self.agents: dict[Destination, UserAgent] = {}
        self.events: dict[Destination, list[AnyEvent]] = {CALLER: [], CALLED: []}
        for place in (CALLER, CALLED):
            self.agents[place] = UserAgent(
                place.host,
                place.port,
                Tokens(f"a secret of {place.host}..".encode(), "1"),
                lambda octets, to, place=place: self.send(octets, place, to),  # type: ignore[misc]
                self.events[place].append,
                lambda _: True,
                lambda _request, _source: 200,
            )

    def send(self, octets: bytes, source: Destination, to: Destination) -> bool:
        for _ in range(2 if self.chance.random() < self.repeat else 1):
            if self.chance.random() >= self.loss:
                self.count += 1
                at_s = self.now_s + self.chance.random() * self.delay_s
                heapq.heappush(self.flying, (at_s, self.count, octets, source, to))
        return True

    def run(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while True:
            next_s = min(
                self.flying[0][0] if self.flying else end_s,
                *(agent.next_deadline() for agent in self.agents.values()),
            )
            if next_s >= end_s:
                self.now_s = end_s
                return
            self.now_s = max(self.now_s, next_s)
            for agent in self.agents.values():
                agent.advance(self.now_s)
            while self.flying and self.flying[0][0] <= self.now_s:
                _, _, octets, source, to = heapq.heappop(self.flying)
                self.agents[to].receive(octets, source, self.now_s)
            self.react()

    def react(self) -> None:
        for event in list(self.events[CALLED]):
            if isinstance(event, Incoming):
                self.events[CALLED].remove(event)
                self.agents[CALLED].answer(event.leg_id, LocalMedia("192.0.2.2", 4000), self.now_s)

    def call(self, number: int) -> str:
        leg_id = f"a1-0001-{number:08x}"
        self.agents[CALLER].invite(
            OutgoingCall(
                leg_id, "sip:b@192.0.2.2", "sip:a@192.0.2.1", CALLED, LocalMedia("192.0.2.1", 4000)
            ),
            self.now_s,
        )
        return leg_id


@pytest.mark.parametrize(
    ("loss", "repeat", "delay_s"),
    [
        pytest.param(0.0, 0.0, 0.02, id="clean"),
        pytest.param(0.1, 0.1, 0.3, id="10 % lost, 10 % twice, 300 ms apart"),
        pytest.param(0.3, 0.2, 0.5, id="30 % lost, 20 % twice, 500 ms apart"),
    ],
)
def test_calls_come_and_go_whatever_the_network_does(
    loss: float, repeat: float, delay_s: float
) -> None:
    network = Network(1, loss, repeat, delay_s)
    legs = [network.call(number) for number in range(200)]
    network.run(30)
    up = {event.leg_id for event in network.events[CALLER] if isinstance(event, Answered)}
    assert len(up) >= 0.99 * len(legs)
    for leg_id in legs:
        network.agents[CALLER].offer(leg_id, Direction.SENDONLY, network.now_s)
    network.run(20)
    for leg_id in legs:
        network.agents[CALLER].hang_up(leg_id, network.now_s)
    network.run(120)
    for place, agent in network.agents.items():
        ends = Counter(event.leg_id for event in network.events[place] if isinstance(event, Ended))
        assert set(ends.values()) <= {1}
        assert (agent.open_legs, agent.open_transactions) == (0, 0)
    assert sum(isinstance(event, Ended) for event in network.events[CALLER]) == len(legs)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.floats(0, 0.4), st.floats(0, 3))
def test_hanging_up_at_any_time_leaves_no_orphan(seed: int, loss: float, after_s: float) -> None:
    network = Network(seed, loss, 0.1, 0.4)
    leg_id = network.call(1)
    network.run(after_s)
    network.agents[CALLER].hang_up(leg_id, network.now_s)
    network.run(200)
    ends = [event for event in network.events[CALLER] if isinstance(event, Ended)]
    assert [event.leg_id for event in ends] == [leg_id]
    for agent in network.agents.values():
        assert (agent.open_legs, agent.open_transactions) == (0, 0)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_p1_no_damage_in_a_live_dialog_stops_the_agent(data: st.DataObject) -> None:
    bench = Bench(screen=200)
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER)
    bench.request(invite, "ACK", 1, branch="ack")
    bench.incoming()
    heard = [octets for octets, _ in bench.sent]
    for _ in range(data.draw(st.integers(1, 6))):
        octets = bytearray(data.draw(st.sampled_from(heard)))
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=12))
        bench.receive(bytes(octets))
    bench.wait(300)
    bench.screen = 200
    before = len(bench.sent)
    bench.incoming(branch="z9hG4bKafter")
    assert len(bench.sent) > before
