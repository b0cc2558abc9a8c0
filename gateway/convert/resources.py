"""Lists, agents, teams and trunks between the wire and ``engine.domain.specs``."""

import re
from functools import cache
from zoneinfo import available_timezones

import msgspec

from engine.domain.e164 import parse_e164
from engine.domain.ids import AgentId, ListId, TeamId, TrunkId, check_resource_id
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
from gateway.convert import names
from gateway.convert.campaigns import RECORDING_RULE_OF, RECORDING_RULES
from gateway.convert.units import from_duration, is_set, to_duration
from gateway.pb.paceline.v1 import agent_session_pb2, agents_pb2, lists_pb2, teams_pb2, trunks_pb2

AGENT_LEGS: dict[AgentLeg, agents_pb2.AgentLeg.ValueType] = {
    AgentLeg.NAILED_UP: agents_pb2.AGENT_LEG_NAILED_UP,
    AgentLeg.PER_CALL: agents_pb2.AGENT_LEG_PER_CALL,
}
TRUNK_KINDS: dict[TrunkKind, trunks_pb2.TrunkKind.ValueType] = {
    TrunkKind.SIP: trunks_pb2.TRUNK_KIND_SIP,
    TrunkKind.PYVOIP: trunks_pb2.TRUNK_KIND_PYVOIP,
}
TRANSPORTS: dict[Transport, trunks_pb2.Transport.ValueType] = {
    Transport.UDP: trunks_pb2.TRANSPORT_UDP,
    Transport.TCP: trunks_pb2.TRANSPORT_TCP,
    Transport.TLS: trunks_pb2.TRANSPORT_TLS,
}
NEEDS: dict[Need, trunks_pb2.Need.ValueType] = {
    Need.OFF: trunks_pb2.NEED_OFF,
    Need.OFFERED: trunks_pb2.NEED_OFFERED,
    Need.REQUIRED: trunks_pb2.NEED_REQUIRED,
}
_AGENT_LEG_OF = {wire: leg for leg, wire in AGENT_LEGS.items()}
_TRUNK_KIND_OF = {wire: kind for kind, wire in TRUNK_KINDS.items()}
_TRANSPORT_OF = {wire: transport for transport, wire in TRANSPORTS.items()}
_NEED_OF = {wire: need for need, wire in NEEDS.items()}

_TRUNK_SCALARS = ("channels", "calls_per_s", "priority", "weight")
_TRUNK_DURATIONS = {
    "options_period": "options_s",
    "register_interval": "register_s",
    "session_interval": "session_s",
}
"""Fields that are durations on the wire and seconds in the engine."""
_TRUNK_TEXTS = ("display_name", "username", "realm", "tls_ca", "tls_certificate", "tls_key")
_TRUNK_FLAGS = ("assert_identity", "privacy")

_SIP_URI = re.compile(
    r"sip:(?:[\w.!~*'()&=+$,;?/%-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:;[\w=.-]+)*",
    re.ASCII,
)
"""What we call of RFC 3261 §19.1.1: sip, user, host, port and plain parameters."""
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_NAME = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+", re.ASCII)
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])?(?::[0-9]{1,5})?", re.ASCII)


def check_zone(field: str, zone: str) -> str:
    """Return the zone as it is if it is empty or an IANA time zone.

    Raises:
        InvalidZoneError: It is neither.
    """
    if zone and zone not in _zones():
        raise InvalidZoneError(f"{field} {zone[:80]!r} is not an IANA time zone")
    return zone


def check_phone(field: str, uri: str) -> str:
    """Return the SIP URI as it is if it is empty or one that can be called.

    Raises:
        InvalidRequestError: It is neither.
    """
    return _matching(field, uri, _SIP_URI, "a SIP URI such as sip:alice@192.0.2.7:5060")


def to_list(spec: ListSpec, record_count: int) -> lists_pb2.List:
    """Return a list for the wire."""
    return lists_pb2.List(
        name=names.name_of("lists", spec.list_id),
        display_name=spec.display_name,
        region=spec.region,
        default_zone=spec.default_zone,
        record_count=record_count,
        etag=str(spec.revision),
    )


def from_list(message: lists_pb2.List, list_id: ListId) -> ListSpec:
    """Return the list that a message describes."""
    return ListSpec(
        list_id=list_id,
        display_name=names.clean_text("display_name", message.display_name),
        region=message.region or "US",
        default_zone=check_zone("default_zone", message.default_zone),
    )


def to_agent(
    spec: AgentSpec, status: agent_session_pb2.AgentStatus | None = None, *, secrets: bool = False
) -> agents_pb2.Agent:
    """Return an agent for the wire, as a rule without the password."""
    return agents_pb2.Agent(
        name=names.name_of("agents", spec.agent_id),
        display_name=spec.display_name,
        team=names.name_of("teams", spec.team_id),
        phone=spec.phone,
        phone_password=spec.phone_password if secrets else "",
        leg=AGENT_LEGS[spec.leg],
        recording=RECORDING_RULES[spec.recording],
        status=status,
        etag=str(spec.revision),
    )


def from_agent(message: agents_pb2.Agent, agent_id: AgentId) -> AgentSpec:
    """Return the agent that a message describes."""
    return AgentSpec(
        agent_id=agent_id,
        display_name=names.clean_text("display_name", message.display_name),
        team_id=names.team_id(message.team) if message.team else TeamId(""),
        phone=check_phone("phone", message.phone),
        phone_password=names.clean_text("phone_password", message.phone_password),
        leg=_AGENT_LEG_OF.get(message.leg, AgentLeg.NAILED_UP),
        recording=RECORDING_RULE_OF.get(message.recording, RecordingRule.INHERIT),
    )


def to_team(spec: TeamSpec) -> teams_pb2.Team:
    """Return a team for the wire."""
    return teams_pb2.Team(
        name=names.name_of("teams", spec.team_id),
        display_name=spec.display_name,
        etag=str(spec.revision),
    )


def from_team(message: teams_pb2.Team, team_id: TeamId) -> TeamSpec:
    """Return the team that a message describes."""
    return TeamSpec(
        team_id=team_id, display_name=names.clean_text("display_name", message.display_name)
    )


def to_trunk(
    spec: TrunkSpec, state: trunks_pb2.TrunkState | None = None, *, secrets: bool = False
) -> trunks_pb2.Trunk:
    """Return a trunk for the wire, as a rule without the password."""
    message = trunks_pb2.Trunk(
        name=names.name_of("trunks", spec.trunk_id),
        address=spec.address,
        kind=TRUNK_KINDS[spec.kind],
        transport=TRANSPORTS[spec.transport],
        group=spec.group,
        domain=spec.domain,
        password=spec.password if secrets else "",
        reliable=NEEDS[spec.reliable],
        diversion=spec.diversion or "",
        srtp=NEEDS[spec.srtp],
        tls_name=spec.tls_name,
        state=state,
        etag=str(spec.revision),
    )
    for field in (*_TRUNK_SCALARS, *_TRUNK_TEXTS, *_TRUNK_FLAGS):
        setattr(message, field, getattr(spec, field))
    for field, attribute in _TRUNK_DURATIONS.items():
        getattr(message, field).CopyFrom(to_duration(getattr(spec, attribute)))
    return message


def from_trunk(message: trunks_pb2.Trunk, trunk_id: TrunkId) -> TrunkSpec:
    """Return the trunk that a message describes; what it does not set gets the default.

    Raises:
        InvalidRequestError: A value could never be right; the text says which.
    """
    if not message.address:
        raise InvalidRequestError("address of the trunk is missing", slug="invalid-fields")
    values: dict[str, object] = {
        "kind": _TRUNK_KIND_OF.get(message.kind, TrunkKind.SIP),
        "transport": _TRANSPORT_OF.get(message.transport, Transport.UDP),
        "group": check_resource_id("group", message.group) if message.group else "",
        "domain": _matching("domain", message.domain, _HOST, "a host"),
        "password": names.clean_text("password", message.password),
        "reliable": _NEED_OF.get(message.reliable, Need.OFF),
        "diversion": parse_e164(message.diversion) if message.diversion else None,
        "srtp": _NEED_OF.get(message.srtp, Need.OFF),
        "tls_name": _matching("tls_name", message.tls_name, _NAME, "a host name"),
    }
    values |= {field: getattr(message, field) for field in _TRUNK_FLAGS}
    values |= {field: names.clean_text(field, getattr(message, field)) for field in _TRUNK_TEXTS}
    values |= {f: getattr(message, f) for f in _TRUNK_SCALARS if is_set(message, f)}
    values |= {
        attribute: from_duration(getattr(message, field))
        for field, attribute in _TRUNK_DURATIONS.items()
        if is_set(message, field)
    }
    address = _matching("address", message.address, _ADDRESS, "a host or host:port")
    return msgspec.structs.replace(TrunkSpec(trunk_id=trunk_id, address=address), **values)


def _matching(field: str, value: str, form: re.Pattern[str], what: str) -> str:
    if value and not form.fullmatch(value):
        raise InvalidRequestError(f"{field} {value[:80]!r} is not {what}", slug="invalid-address")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
