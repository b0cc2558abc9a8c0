"""Lists, agents, teams and trunks between the wire and ``engine.domain.specs``."""

import re
from functools import cache
from zoneinfo import available_timezones

from engine.domain.ids import AgentId, ListId, TeamId, TrunkId
from engine.domain.refusals import InvalidRequestError, InvalidZoneError
from engine.domain.specs import AgentLeg, AgentSpec, ListSpec, TeamSpec, TrunkSpec
from gateway.convert import names
from gateway.convert.units import from_duration, to_duration
from gateway.pb.paceline.v1 import agent_session_pb2, agents_pb2, lists_pb2, teams_pb2, trunks_pb2

AGENT_LEGS: dict[AgentLeg, agents_pb2.AgentLeg.ValueType] = {
    AgentLeg.NAILED_UP: agents_pb2.AGENT_LEG_NAILED_UP,
    AgentLeg.PER_CALL: agents_pb2.AGENT_LEG_PER_CALL,
}
_AGENT_LEG_OF = {wire: leg for leg, wire in AGENT_LEGS.items()}

_SIP_URI = re.compile(
    r"sip:(?:[\w.!~*'()&=+$,;?/%-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:;[\w=.-]+)*",
    re.ASCII,
)
"""What we call of RFC 3261 §19.1.1: sip, user, host, port and plain parameters."""
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?", re.ASCII)
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
    return trunks_pb2.Trunk(
        name=names.name_of("trunks", spec.trunk_id),
        display_name=spec.display_name,
        address=spec.address,
        channels=spec.channels,
        calls_per_s=spec.calls_per_s,
        domain=spec.domain,
        username=spec.username,
        password=spec.password if secrets else "",
        realm=spec.realm,
        options_period=to_duration(spec.options_s),
        state=state,
        etag=str(spec.revision),
    )


def from_trunk(message: trunks_pb2.Trunk, trunk_id: TrunkId) -> TrunkSpec:
    """Return the trunk that a message describes."""
    if not message.address:
        raise InvalidRequestError("address of the trunk is missing", slug="invalid-fields")
    default = TrunkSpec(trunk_id=trunk_id, address="")
    options_s = default.options_s
    if message.HasField("options_period"):
        options_s = from_duration(message.options_period)
    return TrunkSpec(
        trunk_id=trunk_id,
        address=_matching("address", message.address, _ADDRESS, "a host or host:port"),
        display_name=names.clean_text("display_name", message.display_name),
        channels=message.channels if message.HasField("channels") else default.channels,
        calls_per_s=message.calls_per_s if message.HasField("calls_per_s") else default.calls_per_s,
        domain=_matching("domain", message.domain, _HOST, "a host"),
        username=names.clean_text("username", message.username),
        password=names.clean_text("password", message.password),
        realm=names.clean_text("realm", message.realm),
        options_s=options_s,
    )


def _matching(field: str, value: str, form: re.Pattern[str], what: str) -> str:
    if value and not form.fullmatch(value):
        raise InvalidRequestError(f"{field} {value[:80]!r} is not {what}", slug="invalid-address")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
