"""What a resource must be, before it is kept, and what must be gone before it is."""

from engine.compliance.hours import check_hours
from engine.compliance.schedule import check_windows
from engine.domain.refusals import (
    InvalidRequestError,
    NotNowError,
    UnknownListError,
    UnknownTeamError,
    UnknownTrunkError,
)
from engine.domain.specs import AgentSpec, AnySpec, CampaignSpec, TrunkSpec
from engine.runtime.resources import Resources

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("end_guard_s", 0, 3_600),
    ("progressive_rate", 1.0, 3.0),
    ("max_level", 1.0, 100.0),
    ("target_occupancy", 0.0, 1.0),
    ("max_unattended_ratio", 0.0, 1.0),
    ("unattended_timeout_s", 0.1, 30.0),
    ("no_answer_timeout_s", 15.0, 120.0),
    ("max_attempts_per_record", 1, 200),
    ("max_attempts_per_number", 1, 200),
    ("max_attempts_per_day", 0, 200),
    ("min_gap_s", 0.0, 31_536_000.0),
    ("priority", 1, 100),
    ("max_calls", 0, 1_000_000),
    ("max_calls_per_s", 0.0, 100_000.0),
    ("acw_limit_s", 0.0, 86_400.0),
    ("offer_timeout_s", 1.0, 3_600.0),
    ("preview_limit_s", 0.0, 86_400.0),
)
"""Campaign settings with the least and greatest value each may have."""


def check_spec(spec: AnySpec, resources: Resources) -> None:
    """Refuse what means nothing, or names what does not exist.

    Raises:
        InvalidRequestError: A value is out of its range.
        NotFoundError: It names what does not exist.
    """
    match spec:
        case CampaignSpec():
            _check_campaign(spec, resources)
        case AgentSpec():
            if spec.team_id and resources.find("team", spec.team_id) is None:
                raise UnknownTeamError(f"there is no teams/{spec.team_id}")
        case TrunkSpec():
            _check_trunk(spec)
        case _:
            return


def _check_campaign(spec: CampaignSpec, resources: Resources) -> None:
    check_hours(spec.hours)
    check_windows(spec.schedule)
    for name, least, most in _RANGES:
        value = getattr(spec, name)
        if not least <= value <= most:
            raise InvalidRequestError(
                f"campaigns/{spec.campaign_id}: {name} {value} is not in {least} to {most}",
                slug="out-of-range",
            )
    for link in spec.lists:
        if resources.find("list", link.list_id) is None:
            raise UnknownListError(f"there is no lists/{link.list_id}")
    for team_id in spec.teams:
        if resources.find("team", team_id) is None:
            raise UnknownTeamError(f"there is no teams/{team_id}")
    for trunk_id in spec.trunks:
        if resources.find("trunk", trunk_id) is None:
            raise UnknownTrunkError(f"there is no trunks/{trunk_id}")


def _check_trunk(spec: TrunkSpec) -> None:
    if not spec.address:
        raise InvalidRequestError(f"trunks/{spec.trunk_id} has no address", slug="no-address")
    if spec.channels < 1 or spec.calls_per_s <= 0:
        raise InvalidRequestError(
            f"trunks/{spec.trunk_id}: channels and calls_per_s must be above 0",
            slug="out-of-range",
        )


def check_delete(kind: str, known: str, resources: Resources) -> None:
    """Refuse to delete what another resource names.

    Raises:
        NotNowError: Something needs it; the text says what.
    """
    users: list[str] = []
    for campaign in resources.all("campaign"):
        if isinstance(campaign, CampaignSpec):
            named: dict[str, set[str]] = {
                "list": {link.list_id for link in campaign.lists},
                "team": set(campaign.teams),
                "trunk": set(campaign.trunks),
            }
            if known in named.get(kind, ()):
                users.append(f"campaigns/{campaign.campaign_id}")
    if kind == "team":
        users += [
            f"agents/{agent.agent_id}"
            for agent in resources.all("agent")
            if isinstance(agent, AgentSpec) and agent.team_id == known
        ]
    if users:
        raise NotNowError(f"{kind}s/{known} is used by {', '.join(users[:5])}", slug="in-use")
