"""Names lead to servers by priority, weight and chance, and what was known outlives a silence."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from engine.telephony.sip import names
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.names import Names
from engine.telephony.sip.resolver import Resolver, Route, split_address
from engine.telephony.sip.srv import Target, choose_order, group
from tests.support.dns import NameServer, name_server
from tests.support.load import PATIENCE_S

ZONE = {
    ("_sip._udp.carrier.test", "SRV"): (
        "10 0 5070 one.carrier.test.",
        "20 0 5080 two.carrier.test.",
    ),
    ("_sip._tcp.carrier.test", "SRV"): ("10 0 5071 two.carrier.test.",),
    ("_sips._tcp.carrier.test", "SRV"): ("10 0 5072 one.carrier.test.",),
    ("_sip._udp.closed.test", "SRV"): ("0 0 0 .",),
    ("one.carrier.test", "A"): ("192.0.2.1",),
    ("two.carrier.test", "A"): ("192.0.2.3",),
    ("carrier.test", "A"): ("192.0.2.9",),
    ("plain.test", "A"): ("192.0.2.7",),
    ("closed.test", "A"): ("192.0.2.8",),
}


@asynccontextmanager
async def resolving(
    draw: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[tuple[Resolver, NameServer]]:
    """Run a name server, and a resolver that asks it."""
    async with name_server(ZONE) as server:
        host, _, port = server.address.partition(":")
        resolver = Resolver(Names(host, int(port)), draw)
        try:
            yield resolver, server
        finally:
            await resolver.close()


async def ask(resolver: Resolver, route: Route) -> list[tuple[str, int]]:
    """Return what a route leads to, once it was asked for."""
    done = asyncio.Event()
    resolver.ask(route, done.set)
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    return [each[:2] for each in resolver.find(route)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("carrier.test", ("carrier.test", 0)),
        ("carrier.test:5080", ("carrier.test", 5080)),
        ("192.0.2.1", ("192.0.2.1", 0)),
        ("[2001:db8::1]:5061", ("2001:db8::1", 5061)),
        ("carrier.test:0", None),
        ("carrier.test:99999", None),
        ("a:b:c", None),
    ],
)
def test_an_address_is_a_host_and_maybe_a_port(
    address: str, expected: tuple[str, int] | None
) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="is not HOST or HOST:PORT"):
            split_address(address)
    else:
        assert split_address(address) == expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("route", "expected"),
    [
        pytest.param(
            Route("carrier.test", 0),
            [("192.0.2.1", 5070), ("192.0.2.3", 5080)],
            id="UDP by priority",
        ),
        pytest.param(Route("carrier.test", 0, "TCP"), [("192.0.2.3", 5071)], id="TCP"),
        pytest.param(Route("carrier.test", 0, "TLS"), [("192.0.2.1", 5072)], id="TLS"),
        pytest.param(Route("carrier.test", 5090), [("192.0.2.9", 5090)], id="a port: no SRV"),
        pytest.param(Route("plain.test", 0), [("192.0.2.7", 5060)], id="no SRV"),
        pytest.param(Route("plain.test", 0, "TLS"), [("192.0.2.7", 5061)], id="no SRV, TLS"),
        pytest.param(Route("closed.test", 0), [], id="decidedly not there"),
        pytest.param(Route("nobody.test", 0), [], id="no such name"),
        pytest.param(Route(f"{'a' * 64}.test", 0), [], id="no name"),
    ],
)
async def test_a_route_leads_where_the_name_server_says(
    route: Route, expected: list[tuple[str, int]]
) -> None:
    async with resolving() as (resolver, server):
        assert resolver.find(route) == ()
        assert await ask(resolver, route) == expected
        assert resolver.hosts(route) == {host for host, _ in expected}
        if route.port:
            assert not [kind for _, kind in server.asked if kind == "SRV"]


@pytest.mark.asyncio
async def test_all_addresses_of_a_server_are_tried() -> None:
    async with resolving() as (resolver, server):
        server.records["one.carrier.test", "A"] = ("192.0.2.1", "192.0.2.2")
        found = await ask(resolver, Route("carrier.test", 0, "TLS"))
        assert set(found) == {("192.0.2.1", 5072), ("192.0.2.2", 5072)}


@pytest.mark.asyncio
async def test_an_address_asks_nobody_and_keeps_transport_and_link() -> None:
    async with resolving() as (resolver, server):
        route = Route("192.0.2.5", 0, "TLS", "=carrier")
        assert resolver.find(route) == (Destination("192.0.2.5", 5061, "TLS", "=carrier"),)
        assert await ask(resolver, route) == [("192.0.2.5", 5061)]
        assert not server.asked


@pytest.mark.asyncio
async def test_what_is_known_and_fresh_is_not_asked_again_and_asked_once_at_a_time() -> None:
    async with resolving() as (resolver, server):
        route = Route("plain.test", 5060)
        await asyncio.gather(*(ask(resolver, route) for _ in range(5)))
        await ask(resolver, route)
        assert server.asked["plain.test", "A"] == 1


@pytest.mark.asyncio
async def test_what_was_known_holds_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.telephony.sip.resolver.SHORTEST_S", 0.0)
    monkeypatch.setattr(names, "LIFETIME_S", 0.3)
    async with resolving() as (resolver, server):
        server.ttl_s = 0
        route = Route("carrier.test", 0, "TCP")
        before = await ask(resolver, route)
        server.is_deaf = True
        assert await ask(resolver, route) == before == [("192.0.2.3", 5071)]
        server.is_deaf = False
        server.records["two.carrier.test", "A"] = ("192.0.2.33",)
        assert await ask(resolver, route) == [("192.0.2.33", 5071)]


@pytest.mark.asyncio
async def test_without_any_answer_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LIFETIME_S", 0.2)
    async with resolving() as (resolver, server):
        server.is_deaf = True
        assert await ask(resolver, Route("carrier.test", 0)) == []


@pytest.mark.asyncio
async def test_what_nobody_answered_is_asked_again_by_who_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "LIFETIME_S", 0.2)
    async with resolving() as (resolver, server):
        server.is_deaf = True
        route = Route("plain.test", 5060)
        assert await ask(resolver, route) == []
        server.is_deaf = False
        async with asyncio.timeout(PATIENCE_S):
            while not resolver.find(route):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.002)


@pytest.mark.asyncio
async def test_stale_answers_serve_while_new_ones_are_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.telephony.sip.resolver.SHORTEST_S", 0.0)
    async with resolving() as (resolver, server):
        server.ttl_s = 0
        route = Route("plain.test", 5060)
        await ask(resolver, route)
        server.records["plain.test", "A"] = ("192.0.2.77",)
        assert resolver.find(route)[0].host == "192.0.2.7"  # at once, and it asks
        async with asyncio.timeout(PATIENCE_S):
            while resolver.find(route)[0].host != "192.0.2.77":  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.002)


@pytest.mark.asyncio
async def test_the_systems_own_names_are_known() -> None:
    resolver = Resolver(Names())
    assert await ask(resolver, Route("localhost", 5060)) == [("127.0.0.1", 5060)]
    await resolver.close()


def target(name: str, priority: int, weight: int) -> Target:
    """Return a server with one address."""
    return Target(priority, weight, (Destination(name, 5060),))


def test_servers_of_equal_priority_share_by_weight() -> None:
    groups = group([target("c", 20, 9), target("a", 10, 1), target("b", 10, 3)])
    draw = Random(1).random
    orders = Counter(tuple(each.host for each in choose_order(groups, draw)) for _ in range(4_000))
    assert set(orders) == {("a", "b", "c"), ("b", "a", "c")}
    assert orders["b", "a", "c"] / 4_000 == pytest.approx(0.75, abs=0.03)


def test_servers_without_weight_share_evenly_and_come_after_those_with_it() -> None:
    draw = Random(2).random
    even = group([target(name, 0, 0) for name in "abc"])
    first = Counter(choose_order(even, draw)[0].host for _ in range(3_000))
    assert all(count / 3_000 == pytest.approx(1 / 3, abs=0.04) for count in first.values())
    mixed = group([target("a", 0, 0), target("b", 0, 5)])
    assert {choose_order(mixed, draw)[0].host for _ in range(100)} == {"b"}
