"""Lists, agents, teams and trunks come back from the wire as they went."""

import msgspec
import pytest

from engine.domain.e164 import E164
from engine.domain.ids import AgentId, ListId, TeamId, TrunkId
from engine.domain.refusals import InvalidRequestError, InvalidZoneError
from engine.domain.specs import (
    AgentLeg,
    AgentSpec,
    ListSpec,
    Need,
    RecordingRule,
    TeamSpec,
    Transport,
    TrunkKind,
    TrunkSpec,
)
from gateway.convert import resources
from gateway.pb.paceline.v1 import agents_pb2, lists_pb2, trunks_pb2

AGENT = AgentSpec(
    agent_id=AgentId("alice"),
    display_name="Alice",
    team_id=TeamId("sales"),
    phone="sip:alice@192.0.2.7:5062;transport=udp",
    phone_password="hush",
    leg=AgentLeg.PER_CALL,
    recording=RecordingRule.NONE,
)
TRUNK = TrunkSpec(
    trunk_id=TrunkId("t1"),
    address="192.0.2.1:5060",
    kind=TrunkKind.PYVOIP,
    display_name="One",
    transport=Transport.TLS,
    group="west",
    priority=2,
    weight=30,
    channels=7,
    calls_per_s=1.5,
    domain="carrier.example",
    username="u",
    password="hush",
    realm="r",
    register_s=600.0,
    options_s=0.0,
    session_s=90.0,
    reliable=Need.OFFERED,
    assert_identity=True,
    privacy=True,
    diversion=E164("+14155550100"),
    srtp=Need.REQUIRED,
    tls_ca="/etc/paceline/ca.pem",
    tls_certificate="/etc/paceline/own.pem",
    tls_key="/etc/paceline/own.key",
    tls_name="sip.carrier.example",
)


def test_a_list_comes_back_as_it_went() -> None:
    spec = ListSpec(
        list_id=ListId("l1"), display_name="June", region="DE", default_zone="Europe/Berlin"
    )
    message = resources.to_list(spec, 3)
    assert resources.from_list(message, ListId("l1")) == spec
    assert (message.name, message.record_count, message.etag) == ("lists/l1", 3, "1")


def test_an_agent_comes_back_as_it_went() -> None:
    assert resources.from_agent(resources.to_agent(AGENT, secrets=True), AgentId("alice")) == AGENT


def test_a_team_comes_back_as_it_went() -> None:
    spec = TeamSpec(team_id=TeamId("sales"), display_name="Sales")
    assert resources.from_team(resources.to_team(spec), TeamId("sales")) == spec


def test_a_trunk_comes_back_as_it_went() -> None:
    assert resources.from_trunk(resources.to_trunk(TRUNK, secrets=True), TrunkId("t1")) == TRUNK


def test_every_field_of_a_trunk_reaches_the_wire() -> None:
    renamed = {"trunk_id": "name", "revision": "etag", "options_s": "options_period"}
    renamed |= {"register_s": "register_interval", "session_s": "session_interval"}
    attributes = {field.name for field in msgspec.structs.fields(TrunkSpec)}
    told = {field.name for field in trunks_pb2.Trunk.DESCRIPTOR.fields}
    assert told == {renamed.get(name, name) for name in attributes} | {"state"}


def test_the_trunk_of_these_tests_leaves_nothing_at_its_default() -> None:
    default = TrunkSpec(trunk_id=TrunkId("t"), address="")
    same = {
        field.name
        for field in msgspec.structs.fields(TrunkSpec)
        if getattr(TRUNK, field.name) == getattr(default, field.name)
    }
    assert same == {"revision"}


def test_every_field_of_an_agent_reaches_the_wire() -> None:
    renamed = {"agent_id": "name", "team_id": "team", "revision": "etag"}
    attributes = {field.name for field in msgspec.structs.fields(AgentSpec)}
    told = {field.name for field in agents_pb2.Agent.DESCRIPTOR.fields}
    assert told == {renamed.get(name, name) for name in attributes} | {"status"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("group", "West Coast", id="group that is no id"),
        pytest.param("diversion", "4155550100", id="national number"),
        pytest.param("tls_name", "a b", id="name with a space"),
        pytest.param("tls_ca", "a\nb", id="path with a line break"),
    ],
)
def test_a_trunk_that_could_never_be_right_is_refused(field: str, value: str) -> None:
    message = trunks_pb2.Trunk(address="192.0.2.1")
    setattr(message, field, value)
    with pytest.raises(InvalidRequestError):
        resources.from_trunk(message, TrunkId("t"))


def test_passwords_are_never_returned() -> None:
    assert b"hush" not in resources.to_agent(AGENT).SerializeToString()
    assert b"hush" not in resources.to_trunk(TRUNK).SerializeToString()


def test_empty_messages_have_every_default() -> None:
    assert resources.from_list(lists_pb2.List(), ListId("l")) == ListSpec(list_id=ListId("l"))
    assert resources.from_agent(agents_pb2.Agent(), AgentId("a")) == AgentSpec(
        agent_id=AgentId("a")
    )
    trunk = resources.from_trunk(trunks_pb2.Trunk(address="192.0.2.1"), TrunkId("t"))
    assert trunk == TrunkSpec(trunk_id=TrunkId("t"), address="192.0.2.1")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "europe/berlin", "EST5 "])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidZoneError):
        resources.from_list(lists_pb2.List(default_zone=zone), ListId("l"))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="missing"),
        pytest.param("192.0.2.1:5060;x", id="parameters"),
        pytest.param("a b", id="space"),
        pytest.param("h\r\nVia: x", id="line break"),
        pytest.param("sip:carrier.example", id="a URI"),
        pytest.param("host:123456", id="port of six digits"),
    ],
)
def test_an_address_that_cannot_be_sent_to_is_refused(address: str) -> None:
    with pytest.raises(InvalidRequestError):
        resources.from_trunk(trunks_pb2.Trunk(address=address), TrunkId("t"))


@pytest.mark.parametrize(
    "uri",
    ["sip:alice@192.0.2.7", "sip:192.0.2.7:5070", "sip:a.b+c@[2001:db8::1]:5060;transport=udp", ""],
)
def test_a_phone_that_can_be_called_is_taken(uri: str) -> None:
    assert resources.check_phone("phone", uri) == uri


@pytest.mark.parametrize(
    "uri",
    ["alice", "tel:+14155550100", "sip:", "sip:a@b\r\nX: y", "sip:a@b>", 'sip:"a"@b', "sips:a@b"],
)
def test_a_phone_that_cannot_be_called_is_refused(uri: str) -> None:
    with pytest.raises(InvalidRequestError):
        resources.check_phone("phone", uri)
