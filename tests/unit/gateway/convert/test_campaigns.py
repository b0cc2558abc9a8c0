"""A campaign comes back from the wire as it went."""

from enum import Enum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.dispositions import DialRule, Disposition
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, CampaignId, ListId, TeamId, TrunkId
from engine.domain.refusals import InvalidHoursError, InvalidRequestError
from engine.domain.scenario import (
    AddToDnc,
    Collect,
    Dispose,
    DoNotRecord,
    End,
    Play,
    Scenario,
    Transfer,
)
from engine.domain.specs import (
    CampaignSpec,
    HoursRow,
    ListLink,
    RecordingRule,
    RuleWindow,
    RunWindow,
)
from gateway.convert import campaigns, resources, views
from gateway.convert.campaigns import from_campaign, to_campaign
from gateway.convert.units import to_duration
from gateway.interceptors import check_rules
from gateway.pb.paceline.v1 import (
    agent_session_pb2,
    agents_pb2,
    lists_pb2,
    supervision_pb2,
    trunks_pb2,
)
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.status import InvalidFieldsError

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
days = st.sets(st.integers(0, 6), min_size=1).map(lambda s: tuple(sorted(s)))
seconds = st.integers(0, 86_399)
texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), max_size=20)
delays = st.integers(0, 10**9).map(lambda us: us / 1e6)


@st.composite
def hours(draw: st.DrawFn) -> HoursRow:
    opens_s = draw(seconds)
    closes_s = draw(st.integers(opens_s + 1, 86_400))
    types = draw(st.lists(ids, max_size=3, unique=True))
    return HoursRow(opens_s=opens_s, closes_s=closes_s, phone_types=tuple(types), days=draw(days))


@st.composite
def windows(draw: st.DrawFn) -> RunWindow:
    starts_s = draw(seconds)
    stops_s = draw(seconds.filter(lambda value: value != starts_s))
    return RunWindow(starts_s=starts_s, stops_s=stops_s, days=draw(days))


within = st.integers(1, 10**7).map(lambda us: us / 1e6)
fates = st.sampled_from([Treatment.END, Treatment.CONNECT])
numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True).map(E164)
analyses = st.builds(
    AnalysisSpec,
    detect_machines=st.booleans(),
    limit_s=within,
    initial_silence_s=within,
    greeting_silence_s=within,
    minimum_speech_s=within,
    machine_speech_s=within,
    machine=st.sampled_from(Treatment),
    machine_prompt=texts,
    beep_limit_s=within,
    fax=fates,
    silence=fates,
)
step_names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
prompts = texts.filter(bool)
steps = st.one_of(
    st.builds(Play, prompt=prompts, then=step_names),
    st.builds(
        Collect,
        choices=st.dictionaries(st.sampled_from("0123456789*#"), step_names, min_size=1),
        otherwise=step_names,
        prompt=texts,
        within_s=st.integers(10**6, 3 * 10**7).map(lambda us: us / 1e6),
        tries=st.integers(1, 5),
    ),
    st.builds(Transfer),
    st.builds(AddToDnc, then=step_names),
    st.builds(DoNotRecord, then=step_names, banned=st.booleans()),
    st.builds(Dispose, disposition=ids, then=step_names),
    st.builds(End),
)
scenarios = st.builds(
    Scenario,
    first=step_names,
    steps=st.dictionaries(step_names, steps, min_size=1, max_size=6),
    limit_s=st.sampled_from([5.0, 180.0, 900.0]),
)
specs = st.builds(
    CampaignSpec,
    campaign_id=st.just(CampaignId("c1")),
    display_name=texts,
    lists=st.lists(
        st.builds(
            ListLink,
            list_id=ids.map(ListId),
            enabled=st.booleans(),
            order=st.integers(0, 99),
            ratio=st.integers(1, 99),
        ),
        max_size=3,
        unique_by=lambda link: link.list_id,
    ).map(tuple),
    teams=st.lists(ids.map(TeamId), max_size=3, unique=True).map(tuple),
    skills=st.dictionaries(ids.map(AgentId), st.integers(0, 100), max_size=3),
    trunks=st.lists(ids.map(TrunkId), max_size=3, unique=True).map(tuple),
    caller_id=st.sampled_from([None, E164("+14155550100")]),
    caller_name=texts,
    caller_id_field=texts,
    caller_ids=st.lists(numbers, max_size=4, unique=True).map(tuple),
    schedule=st.lists(windows(), max_size=3).map(tuple),
    hours=st.lists(hours(), max_size=3).map(tuple),
    end_guard_s=st.integers(0, 3_600),
    progressive_rate=st.floats(1, 3),
    max_level=st.floats(1, 10),
    target_occupancy=st.floats(0.01, 1),
    max_unattended_ratio=st.floats(0, 1),
    false_machine_windows=st.lists(st.sampled_from(RuleWindow), max_size=3, unique=True).map(tuple),
    false_machine_ratio=st.floats(0, 0.5),
    unattended_timeout_s=st.sampled_from([0.5, 2.0, 60.0]),
    unattended_prompt=texts,
    opt_out_key=st.sampled_from(["", *"0123456789*#"]),
    opt_out_prompt=texts,
    hold_prompt=texts,
    analysis=st.none() | analyses,
    no_answer_timeout_s=st.sampled_from([15.0, 25.5, 120.0]),
    max_attempts_per_record=st.integers(1, 250),
    max_attempts_per_number=st.integers(1, 250),
    max_attempts_per_day=st.integers(0, 250),
    min_gap_s=delays,
    dispositions=st.lists(
        st.builds(Disposition, slug=ids, agent_visible=st.booleans(), right_party=st.booleans()),
        max_size=3,
    ).map(tuple),
    dial_rules=st.lists(
        st.builds(
            DialRule, disposition=ids, max_retries=st.integers(0, 20), retry_delay_s=delays,
            delay_s=delays,
        ),
        max_size=3,
    ).map(tuple),
    priority=st.integers(1, 100),
    max_calls=st.integers(0, 10**6),
    max_calls_per_s=st.floats(0, 10**5),
    automatic_answer=st.booleans(),
    acw_limit_s=delays,
    offer_timeout_s=st.sampled_from([1.0, 15.0, 600.0]),
    preview_limit_s=delays,
    prompt=texts,
    scenario=st.none() | scenarios,
    recording=st.sampled_from(RecordingRule),
    recording_notice=texts,
    revision=st.just(1),
)  # fmt: skip


@given(specs)
def test_a_campaign_comes_back_as_it_went(spec: CampaignSpec) -> None:
    message = to_campaign(spec, pb.RUN_STATE_IDLE)
    check_rules(message)
    assert from_campaign(pb.Campaign.FromString(message.SerializeToString()), CampaignId("c1")) == (
        spec
    )


def test_an_empty_message_is_a_campaign_with_every_default() -> None:
    assert from_campaign(pb.Campaign(), CampaignId("c1")) == CampaignSpec(
        campaign_id=CampaignId("c1")
    )


def test_every_field_of_a_campaign_reaches_the_wire() -> None:
    told = {field.name for field in pb.Campaign.DESCRIPTOR.fields}
    attributes = {field.name for field in msgspec.structs.fields(CampaignSpec)}
    renamed = {"campaign_id": "name", "skills": "skill_levels", "hours": "calling_hours"}
    renamed |= {"revision": "etag"}
    expected = {renamed.get(name, name.removesuffix("_s") if _seconds(name) else name)
                for name in attributes}  # fmt: skip
    assert told == expected | {"run_state"}


def test_every_field_of_an_analysis_reaches_the_wire() -> None:
    told = {field.name for field in pb.Analysis.DESCRIPTOR.fields}
    assert told == {field.name.removesuffix("_s") for field in msgspec.structs.fields(AnalysisSpec)}


def test_every_field_of_a_scenario_reaches_the_wire() -> None:
    pairs = ((pb.Scenario, Scenario), (pb.Scenario.Collect, Collect), (pb.Scenario.Play, Play))
    for message, kind in pairs:
        told = {field.name for field in message.DESCRIPTOR.fields}
        assert told == {field.name.removesuffix("_s") for field in msgspec.structs.fields(kind)}


def test_what_a_scenario_does_not_say_has_its_default() -> None:
    collect = pb.Scenario.Collect(choices={"1": "end"}, otherwise="end")
    steps = {
        "ask": pb.Scenario.Step(collect=collect),
        "end": pb.Scenario.Step(hang_up=pb.Scenario.HangUp()),
    }
    message = pb.Campaign(scenario=pb.Scenario(first="ask", steps=steps))
    asked = Collect(choices={"1": "end"}, otherwise="end")
    spec = from_campaign(message, CampaignId("c1"))
    assert spec.scenario == Scenario(first="ask", steps={"ask": asked, "end": End()})


def test_an_analysis_that_says_nothing_has_every_default() -> None:
    message = pb.Campaign(analysis=pb.Analysis())
    assert from_campaign(message, CampaignId("c1")).analysis == AnalysisSpec()


def _seconds(name: str) -> bool:
    return name.endswith("_s") and name != "max_calls_per_s"


ENUMS = [
    pytest.param(campaigns.MODES, pb.Mode, id="mode"),
    pytest.param(campaigns.NUMBER_CHOICES, pb.NumberChoice, id="number choice"),
    pytest.param(campaigns.DISPOSITION_KINDS, pb.DispositionKind, id="disposition kind"),
    pytest.param(campaigns.ACTIONS, pb.DialAction, id="dial action"),
    pytest.param(campaigns.RECORDING_RULES, pb.RecordingRule, id="recording rule"),
    pytest.param(campaigns.TREATMENTS, pb.Treatment, id="treatment"),
    pytest.param(resources.TRUNK_KINDS, trunks_pb2.TrunkKind, id="trunk kind"),
    pytest.param(resources.TRANSPORTS, trunks_pb2.Transport, id="transport"),
    pytest.param(resources.NEEDS, trunks_pb2.Need, id="need"),
    pytest.param(resources.AGENT_LEGS, agents_pb2.AgentLeg, id="agent leg"),
    pytest.param(views.RUN_STATES, pb.RunState, id="run state"),
    pytest.param(views.AGENT_STATES, agent_session_pb2.AgentState, id="agent state"),
    pytest.param(views.RECORD_PHASES, lists_pb2.RecordPhase, id="record phase"),
    pytest.param(views.SUPERVISION_MODES, supervision_pb2.SupervisionMode, id="supervision mode"),
]


@pytest.mark.parametrize(("table", "wire"), ENUMS)
def test_a_choice_has_one_name_on_both_sides(table: dict[Enum, int], wire: type) -> None:
    kind = type(next(iter(table)))
    assert set(table) == set(kind), "a choice of the engine is not told"
    names = dict(wire.items())  # type: ignore[attr-defined]  # the wrapper's, not the class's
    assert set(table.values()) == set(names.values()) - {0}, "a choice of the wire means nothing"
    for choice, number in table.items():
        suffix = str(choice.value).upper().replace("-", "_")
        assert any(name.endswith(suffix) for name, value in names.items() if value == number)


BAD = [
    pytest.param(pb.Campaign(caller_id="4155550100"), "E.164", id="national caller id"),
    pytest.param(pb.Campaign(caller_ids=["+1"]), "E.164", id="cut number among caller ids"),
    pytest.param(pb.Campaign(caller_id_field="a\r\nb"), "U+000D", id="line break in a field"),
    pytest.param(pb.Campaign(hold_prompt="a/../b"), "'..'", id="music on a path that climbs"),
    pytest.param(
        pb.Campaign(analysis=pb.Analysis(machine_prompt="../x")), "'..'", id="message that climbs"
    ),
    pytest.param(
        pb.Campaign(scenario=pb.Scenario(first="a", steps={"a": pb.Scenario.Step()})),
        "step 'a' does nothing",
        id="scenario step that does nothing",
    ),
    pytest.param(pb.Campaign(teams=["agents/a"]), "teams/{team}", id="agent for a team"),
    pytest.param(pb.Campaign(teams=["teams/A"]), "lower-case", id="upper-case id"),
    pytest.param(pb.Campaign(trunks=["t1"]), "trunks/{trunk}", id="id without a collection"),
    pytest.param(pb.Campaign(caller_name="a\r\nVia: x"), "U+000D", id="line break to a header"),
    pytest.param(pb.Campaign(display_name="\u202eevil"), "U+202E", id="turned direction"),
    pytest.param(pb.Campaign(prompt="../../etc/passwd"), "'..'", id="path that climbs"),
    pytest.param(
        pb.Campaign(lists=[pb.CampaignList(name="campaigns/other/lists/l1")]),
        "not a list of campaigns/c1",
        id="list of another campaign",
    ),
    pytest.param(
        pb.Campaign(lists=[pb.CampaignList(name="lists/l1"), pb.CampaignList(name="lists/l1")]),
        "twice",
        id="list named twice",
    ),
]


@pytest.mark.parametrize(("message", "text"), BAD)
def test_what_could_never_be_right_is_refused(message: pb.Campaign, text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_campaign(message, CampaignId("c1"))
    assert text in caught.value.message


def hours_of(opens_s: int, closes_s: int, nanos: int = 0) -> pb.Campaign:
    campaign = pb.Campaign()
    row = campaign.calling_hours.add()
    row.opens.seconds, row.closes.seconds, row.closes.nanos = opens_s, closes_s, nanos
    return campaign


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(hours_of(9 * 3600, 9 * 3600), id="no time at all"),
        pytest.param(hours_of(20 * 3600, 8 * 3600), id="over midnight"),
        pytest.param(hours_of(0, 3600, nanos=1), id="part of a second"),
    ],
)
def test_hours_that_are_not_understood_are_refused(message: pb.Campaign) -> None:
    with pytest.raises(InvalidHoursError):
        from_campaign(message, CampaignId("c1"))


@given(st.binary(max_size=200))
def test_any_octets_are_a_campaign_or_a_refusal(octets: bytes) -> None:
    try:
        message = pb.Campaign.FromString(octets)
    except Exception:  # noqa: BLE001 - not a message at all: gRPC refuses it before us
        return
    try:
        check_rules(message)
        from_campaign(message, CampaignId("c1"))
    except InvalidRequestError:
        return


BROKEN = [
    pytest.param(pb.Campaign(opt_out_key="12"), "opt_out_key", id="two keys"),
    pytest.param(pb.Campaign(opt_out_key="A"), "opt_out_key", id="no key of a phone"),
    pytest.param(
        pb.Campaign(analysis=pb.Analysis(fax=pb.TREATMENT_MESSAGE)), "analysis.fax", id="fax"
    ),
    pytest.param(
        pb.Campaign(analysis=pb.Analysis(silence=pb.TREATMENT_MESSAGE)),
        "analysis.silence",
        id="message to silence",
    ),
    pytest.param(
        pb.Campaign(analysis=pb.Analysis(limit=to_duration(10.5))), "analysis.limit", id="limit"
    ),
    pytest.param(
        pb.Campaign(analysis=pb.Analysis(minimum_speech=to_duration(0))),
        "analysis.minimum_speech",
        id="no time at all",
    ),
    pytest.param(pb.Campaign(caller_ids=["+14155550100"] * 2), "caller_ids", id="number twice"),
]


@pytest.mark.parametrize(("message", "field"), BROKEN)
def test_what_the_rules_of_the_wire_forbid_is_refused(message: pb.Campaign, field: str) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        check_rules(message)
    assert [fault.field for fault in caught.value.faults] == [field]
