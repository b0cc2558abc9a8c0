"""Campaigns between the wire and ``engine.domain.specs``."""

from collections.abc import Sequence

import msgspec

from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.dispositions import Action, DialRule, Disposition, DispositionKind
from engine.domain.e164 import E164, parse_e164
from engine.domain.ids import CampaignId
from engine.domain.refusals import InvalidHoursError, InvalidRequestError
from engine.domain.specs import (
    CampaignSpec,
    HoursRow,
    ListLink,
    Mode,
    NumberChoice,
    RecordingRule,
    RuleWindow,
    RunWindow,
)
from gateway.convert import names
from gateway.convert.scenarios import from_scenario, to_scenario
from gateway.convert.units import (
    from_duration,
    from_weekdays,
    is_set,
    time_of_day,
    to_duration,
    to_weekdays,
)
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

MODES: dict[Mode, pb.Mode.ValueType] = {
    Mode.PREVIEW: pb.MODE_PREVIEW,
    Mode.PROGRESSIVE: pb.MODE_PROGRESSIVE,
    Mode.PREDICTIVE: pb.MODE_PREDICTIVE,
    Mode.AUTOMATIC: pb.MODE_AUTOMATIC,
}
NUMBER_CHOICES: dict[NumberChoice, pb.NumberChoice.ValueType] = {
    NumberChoice.FIRST: pb.NUMBER_CHOICE_FIRST,
    NumberChoice.LEAST_ATTEMPTED: pb.NUMBER_CHOICE_LEAST_ATTEMPTED,
}
DISPOSITION_KINDS: dict[DispositionKind, pb.DispositionKind.ValueType] = {
    DispositionKind.SUCCESS: pb.DISPOSITION_KIND_SUCCESS,
    DispositionKind.FAILURE: pb.DISPOSITION_KIND_FAILURE,
    DispositionKind.CONTINUE: pb.DISPOSITION_KIND_CONTINUE,
}
ACTIONS: dict[Action, pb.DialAction.ValueType] = {
    Action.RESCHEDULE: pb.DIAL_ACTION_RESCHEDULE,
    Action.NEXT_PASS: pb.DIAL_ACTION_NEXT_PASS,
    Action.STOP_NUMBER: pb.DIAL_ACTION_STOP_NUMBER,
    Action.STOP_RECORD: pb.DIAL_ACTION_STOP_RECORD,
}
RECORDING_RULES: dict[RecordingRule, pb.RecordingRule.ValueType] = {
    RecordingRule.INHERIT: pb.RECORDING_RULE_INHERIT,
    RecordingRule.ALL: pb.RECORDING_RULE_ALL,
    RecordingRule.NONE: pb.RECORDING_RULE_NONE,
}
RULE_WINDOWS: dict[RuleWindow, pb.RuleWindow.ValueType] = {
    RuleWindow.CALENDAR_DAY: pb.RULE_WINDOW_CALENDAR_DAY,
    RuleWindow.ROLLING_24H: pb.RULE_WINDOW_ROLLING_24H,
    RuleWindow.ROLLING_30D: pb.RULE_WINDOW_ROLLING_30D,
}
TREATMENTS: dict[Treatment, pb.Treatment.ValueType] = {
    Treatment.END: pb.TREATMENT_END,
    Treatment.CONNECT: pb.TREATMENT_CONNECT,
    Treatment.MESSAGE: pb.TREATMENT_MESSAGE,
}
MODE_OF = {wire: mode for mode, wire in MODES.items()}
_NUMBER_CHOICE_OF = {wire: choice for choice, wire in NUMBER_CHOICES.items()}
_KIND_OF = {wire: kind for kind, wire in DISPOSITION_KINDS.items()}
_ACTION_OF = {wire: action for action, wire in ACTIONS.items()}
RECORDING_RULE_OF = {wire: rule for rule, wire in RECORDING_RULES.items()}
_RULE_WINDOW_OF = {wire: window for window, wire in RULE_WINDOWS.items()}
_TREATMENT_OF = {wire: treatment for treatment, wire in TREATMENTS.items()}

_OPTIONAL_SCALARS = (
    "progressive_rate",
    "max_level",
    "target_occupancy",
    "max_unattended_ratio",
    "false_machine_ratio",
    "max_attempts_per_record",
    "max_attempts_per_number",
    "priority",
)
_PLAIN_SCALARS = ("max_attempts_per_day", "max_calls", "max_calls_per_s", "automatic_answer")
_DURATIONS = {
    "unattended_timeout": "unattended_timeout_s",
    "no_answer_timeout": "no_answer_timeout_s",
    "min_gap": "min_gap_s",
    "acw_limit": "acw_limit_s",
    "offer_timeout": "offer_timeout_s",
    "preview_limit": "preview_limit_s",
}
"""Fields that are durations on the wire and seconds in the engine."""
_TEXTS = ("display_name", "caller_name", "caller_id_field", "opt_out_key")
_PROMPTS = ("unattended_prompt", "opt_out_prompt", "prompt", "recording_notice")
_ANALYSIS_DURATIONS = {
    "limit": "limit_s",
    "initial_silence": "initial_silence_s",
    "greeting_silence": "greeting_silence_s",
    "minimum_speech": "minimum_speech_s",
    "machine_speech": "machine_speech_s",
    "beep_limit": "beep_limit_s",
}
_TREATED = ("machine", "fax", "silence")


def to_campaign(spec: CampaignSpec, run_state: pb.RunState.ValueType) -> pb.Campaign:
    """Return a campaign for the wire, every field told.

    Args:
        spec: As configured.
        run_state: Whether it runs.
    """
    message = pb.Campaign(
        name=names.name_of("campaigns", spec.campaign_id),
        mode=MODES[spec.mode],
        lists=[to_campaign_list(spec.campaign_id, link) for link in spec.lists],
        teams=[names.name_of("teams", team) for team in spec.teams],
        skill_levels={
            names.name_of("agents", agent): level for agent, level in spec.skills.items()
        },
        trunks=[names.name_of("trunks", trunk) for trunk in spec.trunks],
        caller_id=spec.caller_id or "",
        caller_ids=spec.caller_ids,
        schedule=[_to_run_window(window) for window in spec.schedule],
        calling_hours=[_to_calling_hours(row) for row in spec.hours],
        end_guard=to_duration(spec.end_guard_s),
        number_choice=NUMBER_CHOICES[spec.number_choice],
        dispositions=[_to_disposition(item) for item in spec.dispositions],
        dial_rules=[_to_dial_rule(rule) for rule in spec.dial_rules],
        hold_prompt=spec.hold_prompt,
        analysis=_to_analysis(spec.analysis) if spec.analysis else None,
        scenario=to_scenario(spec.scenario) if spec.scenario else None,
        recording=RECORDING_RULES[spec.recording],
        false_machine_windows=[RULE_WINDOWS[window] for window in spec.false_machine_windows],
        run_state=run_state,
        etag=str(spec.revision),
    )
    for field in (*_OPTIONAL_SCALARS, *_PLAIN_SCALARS, *_TEXTS, *_PROMPTS):
        setattr(message, field, getattr(spec, field))
    for field, attribute in _DURATIONS.items():
        getattr(message, field).CopyFrom(to_duration(getattr(spec, attribute)))
    return message


def from_campaign(message: pb.Campaign, campaign_id: CampaignId) -> CampaignSpec:
    """Return the campaign that a message describes; what it does not set gets the default.

    Args:
        message: From the wire, its rules already checked.
        campaign_id: Its id.

    Raises:
        InvalidRequestError: A value could never be right; the text says which.
    """
    values: dict[str, object] = {
        "lists": tuple(_from_campaign_list(item, campaign_id) for item in message.lists),
        "teams": tuple(names.team_id(name) for name in message.teams),
        "skills": {names.agent_id(name): level for name, level in message.skill_levels.items()},
        "trunks": tuple(names.trunk_id(name) for name in message.trunks),
        "caller_id": _caller_id(message.caller_id),
        "caller_ids": tuple(parse_e164(number) for number in message.caller_ids),
        "schedule": tuple(_from_run_window(window) for window in message.schedule),
        "hours": tuple(_from_calling_hours(row) for row in message.calling_hours),
        "dispositions": tuple(_from_disposition(item) for item in message.dispositions),
        "dial_rules": tuple(_from_dial_rule(rule) for rule in message.dial_rules),
        "mode": MODE_OF.get(message.mode, Mode.PREVIEW),
        "number_choice": _NUMBER_CHOICE_OF.get(message.number_choice, NumberChoice.FIRST),
        "analysis": _from_analysis(message.analysis) if message.HasField("analysis") else None,
        "scenario": from_scenario(message.scenario) if message.HasField("scenario") else None,
        "recording": RECORDING_RULE_OF.get(message.recording, RecordingRule.INHERIT),
        "false_machine_windows": tuple(
            _RULE_WINDOW_OF[window] for window in message.false_machine_windows
        ),
    }
    if message.HasField("hold_prompt"):
        values["hold_prompt"] = names.prompt("hold_prompt", message.hold_prompt)
    values |= {field: getattr(message, field) for field in _PLAIN_SCALARS}
    values |= {field: names.clean_text(field, getattr(message, field)) for field in _TEXTS}
    values |= {field: names.prompt(field, getattr(message, field)) for field in _PROMPTS}
    values |= {f: getattr(message, f) for f in _OPTIONAL_SCALARS if is_set(message, f)}
    values |= {
        attribute: from_duration(getattr(message, field))
        for field, attribute in _DURATIONS.items()
        if is_set(message, field)
    }
    if message.HasField("end_guard"):
        values["end_guard_s"] = time_of_day("end_guard", message.end_guard)
    _refuse_twice("lists", [link.name for link in message.lists])
    return msgspec.structs.replace(CampaignSpec(campaign_id=campaign_id), **values)


def to_campaign_list(campaign_id: CampaignId, link: ListLink) -> pb.CampaignList:
    """Return a list in a campaign for the wire."""
    return pb.CampaignList(
        name=names.campaign_list_name(campaign_id, link.list_id),
        enabled=link.enabled,
        order=link.order,
        ratio=link.ratio,
    )


def _from_campaign_list(message: pb.CampaignList, campaign_id: CampaignId) -> ListLink:
    if message.name.startswith("lists/"):
        list_id = names.list_id(message.name)
    else:
        owner, list_id = names.campaign_list(message.name)
        if owner != campaign_id:
            raise InvalidRequestError(
                f"{message.name!r} is not a list of campaigns/{campaign_id}", slug="invalid-name"
            )
    return ListLink(
        list_id=list_id,
        enabled=message.enabled,
        order=message.order if message.HasField("order") else 1,
        ratio=message.ratio if message.HasField("ratio") else 1,
    )


def _caller_id(text: str) -> E164 | None:
    return parse_e164(text) if text else None


def _to_analysis(spec: AnalysisSpec) -> pb.Analysis:
    message = pb.Analysis(
        detect_machines=spec.detect_machines,
        machine_prompt=spec.machine_prompt,
        machine=TREATMENTS[spec.machine],
        fax=TREATMENTS[spec.fax],
        silence=TREATMENTS[spec.silence],
    )
    for field, attribute in _ANALYSIS_DURATIONS.items():
        getattr(message, field).CopyFrom(to_duration(getattr(spec, attribute)))
    return message


def _from_analysis(message: pb.Analysis) -> AnalysisSpec:
    values: dict[str, object] = {
        attribute: from_duration(getattr(message, field))
        for field, attribute in _ANALYSIS_DURATIONS.items()
        if is_set(message, field)
    }
    values |= {
        field: _TREATMENT_OF[getattr(message, field)]
        for field in _TREATED
        if getattr(message, field)
    }
    if message.HasField("detect_machines"):
        values["detect_machines"] = message.detect_machines
    machine_prompt = names.prompt("analysis.machine_prompt", message.machine_prompt)
    return AnalysisSpec(machine_prompt=machine_prompt, **values)  # type: ignore[arg-type]  # by name


def _to_calling_hours(row: HoursRow) -> pb.CallingHours:
    return pb.CallingHours(
        phone_types=row.phone_types,
        days=to_weekdays(row.days),
        opens=to_duration(row.opens_s),
        closes=to_duration(row.closes_s),
    )


def _from_calling_hours(message: pb.CallingHours) -> HoursRow:
    opens_s = time_of_day("calling_hours.opens", message.opens)
    closes_s = time_of_day("calling_hours.closes", message.closes)
    if closes_s <= opens_s:
        raise InvalidHoursError(
            "calling_hours.closes is not after opens; hours over midnight are two rows"
        )
    return HoursRow(
        opens_s=opens_s,
        closes_s=closes_s,
        phone_types=tuple(
            names.clean_text("calling_hours.phone_types", kind) for kind in message.phone_types
        ),
        days=from_weekdays(message.days),
    )


def _to_run_window(window: RunWindow) -> pb.RunWindow:
    return pb.RunWindow(
        days=to_weekdays(window.days),
        starts=to_duration(window.starts_s),
        stops=to_duration(window.stops_s),
    )


def _from_run_window(message: pb.RunWindow) -> RunWindow:
    starts_s = time_of_day("schedule.starts", message.starts)
    stops_s = time_of_day("schedule.stops", message.stops)
    if starts_s == stops_s:
        raise InvalidHoursError("schedule.stops is at the same time as starts")
    return RunWindow(starts_s=starts_s, stops_s=stops_s, days=from_weekdays(message.days))


def _to_disposition(item: Disposition) -> pb.Disposition:
    return pb.Disposition(
        slug=item.slug,
        kind=DISPOSITION_KINDS[item.kind],
        hidden_from_agents=not item.agent_visible,
        right_party=item.right_party,
        adds_to_dnc=item.adds_to_dnc,
    )


def _from_disposition(message: pb.Disposition) -> Disposition:
    return Disposition(
        slug=message.slug,
        kind=_KIND_OF[message.kind],
        agent_visible=not message.hidden_from_agents,
        right_party=message.right_party,
        adds_to_dnc=message.adds_to_dnc,
    )


def _to_dial_rule(rule: DialRule) -> pb.DialRule:
    return pb.DialRule(
        disposition=rule.disposition,
        max_retries=rule.max_retries,
        retry_delay=to_duration(rule.retry_delay_s),
        action=ACTIONS[rule.action],
        delay=to_duration(rule.delay_s),
    )


def _from_dial_rule(message: pb.DialRule) -> DialRule:
    rule = DialRule(
        disposition=message.disposition,
        max_retries=message.max_retries,
        action=_ACTION_OF.get(message.action, Action.RESCHEDULE),
    )
    delays = {
        name: from_duration(getattr(message, field))
        for field, name in (("retry_delay", "retry_delay_s"), ("delay", "delay_s"))
        if is_set(message, field)
    }
    return msgspec.structs.replace(rule, **delays)


def _refuse_twice(field: str, values: Sequence[str]) -> None:
    twice = {value for value in values if values.count(value) > 1}
    if twice:
        raise InvalidRequestError(f"{field} names {min(twice)!r} twice", slug="invalid-fields")
