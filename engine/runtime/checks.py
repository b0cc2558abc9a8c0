"""What a resource must be, before it is kept, and what must be gone before it is."""

from engine.compliance.hours import check_hours
from engine.compliance.schedule import check_windows
from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.dispositions import PREDEFINED
from engine.domain.refusals import (
    InvalidRequestError,
    NotNowError,
    UnknownListError,
    UnknownTeamError,
    UnknownTrunkError,
)
from engine.domain.scenario import Dispose, Scenario, Transfer, check_scenario
from engine.domain.specs import AgentSpec, AnySpec, CampaignSpec, TrunkSpec
from engine.runtime.resources import Resources
from engine.runtime.trunk_checks import check_trunk, trunks_of_group

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("end_guard_s", 0, 3_600),
    ("progressive_rate", 1.0, 3.0),
    ("max_level", 1.0, 100.0),
    ("target_occupancy", 0.0, 1.0),
    ("max_unattended_ratio", 0.0, 1.0),
    ("false_machine_ratio", 0.0, 0.5),
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
_ANALYSIS_MOST: tuple[tuple[str, float], ...] = (
    ("limit_s", 10.0),
    ("initial_silence_s", 10.0),
    ("greeting_silence_s", 10.0),
    ("minimum_speech_s", 10.0),
    ("machine_speech_s", 10.0),
    ("beep_limit_s", 120.0),
)
"""Times of the analysis with the longest each may be; all are above 0. [s]"""
_KEYS = "0123456789*#"


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
            check_trunk(spec, resources)
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
    _check_trunks(spec, resources)
    if spec.opt_out_key and (len(spec.opt_out_key) != 1 or spec.opt_out_key not in _KEYS):
        raise InvalidRequestError(
            f"campaigns/{spec.campaign_id}: opt_out_key {spec.opt_out_key[:8]!r} is not one of "
            f"{_KEYS}",
            slug="invalid-key",
        )
    if spec.analysis is not None:
        _check_analysis(spec.campaign_id, spec.analysis)
    if spec.scenario is not None:
        _check_scenario(spec, spec.scenario)


def _check_trunks(spec: CampaignSpec, resources: Resources) -> None:
    """Refuse what is neither trunk nor group; a group that has lost its trunks may stay."""
    present = resources.find("campaign", spec.campaign_id)
    kept = present.trunks if isinstance(present, CampaignSpec) else ()
    for name in spec.trunks:
        known = resources.find("trunk", name) is not None or trunks_of_group(name, resources)
        if not known and name not in kept:
            raise UnknownTrunkError(f"there is no trunk, and no group of trunks, trunks/{name}")


def _check_analysis(campaign_id: str, analysis: AnalysisSpec) -> None:
    for name, most in _ANALYSIS_MOST:
        value = getattr(analysis, name)
        if not 0.0 < value <= most:
            raise InvalidRequestError(
                f"campaigns/{campaign_id}: analysis.{name} {value} is not above 0 and at most "
                f"{most}",
                slug="out-of-range",
            )
    for name in ("fax", "silence"):
        if getattr(analysis, name) is Treatment.MESSAGE:
            raise InvalidRequestError(
                f"campaigns/{campaign_id}: analysis.{name} cannot be a message; only a machine "
                "takes one",
                slug="invalid-treatment",
            )
    if analysis.machine is Treatment.MESSAGE and not analysis.machine_prompt:
        raise InvalidRequestError(
            f"campaigns/{campaign_id}: analysis.machine is a message, and machine_prompt is empty",
            slug="no-prompt",
        )


def _check_scenario(spec: CampaignSpec, scenario: Scenario) -> None:
    """Refuse a scenario that is none, or asks for what the campaign has not."""
    where = f"campaigns/{spec.campaign_id}"
    check_scenario(scenario, where)
    known = PREDEFINED.keys() | {own.slug for own in spec.dispositions}
    for name, step in scenario.steps.items():
        if isinstance(step, Dispose) and step.disposition not in known:
            raise InvalidRequestError(
                f"{where}: scenario: step {name!r} sets the disposition {step.disposition!r}, "
                "which does not exist",
                slug="invalid-scenario",
            )
        if isinstance(step, Transfer) and not spec.teams:
            raise InvalidRequestError(
                f"{where}: scenario: step {name!r} transfers to agents, and no team is assigned",
                slug="invalid-scenario",
            )


def check_delete(kind: str, known: str, resources: Resources) -> None:
    """Refuse to delete what another resource names.

    Raises:
        NotNowError: Something needs it; the text says what.
    """
    users: list[str] = []
    last_of = _last_of(known, resources) if kind == "trunk" else set()
    for campaign in resources.all("campaign"):
        if isinstance(campaign, CampaignSpec):
            named: dict[str, set[str]] = {
                "list": {link.list_id for link in campaign.lists},
                "team": set(campaign.teams),
                "trunk": set(campaign.trunks),
            }
            if known in named.get(kind, ()) or named["trunk"] & last_of:
                users.append(f"campaigns/{campaign.campaign_id}")
    if kind == "team":
        users += [
            f"agents/{agent.agent_id}"
            for agent in resources.all("agent")
            if isinstance(agent, AgentSpec) and agent.team_id == known
        ]
    if users:
        raise NotNowError(f"{kind}s/{known} is used by {', '.join(users[:5])}", slug="in-use")


def _last_of(trunk_id: str, resources: Resources) -> set[str]:
    """Return the group whose only trunk this is, if there is one."""
    spec = resources.find("trunk", trunk_id)
    if not isinstance(spec, TrunkSpec) or not spec.group:
        return set()
    return {spec.group} if len(trunks_of_group(spec.group, resources)) == 1 else set()
