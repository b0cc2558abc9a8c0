"""What users configure: revisions, idempotency, one change after another; and what is refused."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.dispositions import Disposition, DispositionKind
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.ids import AgentId, CampaignId, ListId, TeamId, TrunkId
from engine.domain.refusals import DialerError, JournalError
from engine.domain.scenario import Dispose, End, Scenario, Step, Transfer
from engine.domain.specs import (
    AgentSpec,
    AnySpec,
    CampaignSpec,
    ListLink,
    ListSpec,
    TeamSpec,
    TrunkSpec,
)
from engine.runtime.checks import _RANGES, check_delete, check_spec
from engine.runtime.resources import Resources

LIST = ListSpec(list_id=ListId("people"))


class Rig:
    def __init__(self) -> None:
        self.waiting: list[Callable[[JournalError | None], None]] = []
        self.installed: list[tuple[str, str, AnySpec | None]] = []
        self.answers: list[str] = []
        self.facts: list[AnyFact] = []
        self.resources = Resources((), self._commit, self._install, lambda: 5.0)

    def _commit(
        self, facts: Sequence[AnyFact], done: Callable[[JournalError | None], None]
    ) -> None:
        self.facts += facts
        self.waiting.append(done)

    def _install(self, kind: str, known: str, spec: AnySpec | None) -> None:
        self.installed.append((kind, known, spec))

    def done(self, error: DialerError | None) -> None:
        self.answers.append(error.slug if error else "")

    def put(self, kind: str, spec: AnySpec, *, durable: bool = True, **how: Any) -> None:
        self.resources.put(kind, spec, self.done, **how)
        if durable:
            self.answer()

    def answer(self, error: JournalError | None = None) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(error)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_change_is_in_effect_once_durable_and_grows_the_revision(rig: Rig) -> None:
    rig.put("list", LIST, durable=False)
    assert (rig.resources.find("list", "people"), rig.answers) == (None, [])
    rig.answer()
    rig.put("list", replace(LIST, region="DE"), expected_revision=1)
    assert rig.answers == ["", ""]
    assert rig.resources.get("list", "people").revision == 2
    assert [spec.revision for _, _, spec in rig.installed if spec] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "expected", "refusal"),
    [
        pytest.param("list", 0, "duplicate-list", id="it was to be new"),
        pytest.param("list", 7, "revision-changed", id="another revision"),
        pytest.param("list", None, "", id="whatever it is"),
    ],
)
def test_a_revision_is_what_the_caller_saw(
    rig: Rig, kind: str, expected: int | None, refusal: str
) -> None:
    rig.put(kind, LIST)
    rig.put(kind, LIST, expected_revision=expected)
    assert rig.answers[-1] == refusal


def test_a_change_during_a_change_is_refused(rig: Rig) -> None:
    rig.put("list", LIST, durable=False)
    rig.put("list", LIST, durable=False)
    assert rig.answers == ["revision-changed"]


def test_a_change_that_is_not_durable_is_none(rig: Rig) -> None:
    rig.put("list", LIST, durable=False)
    rig.answer(JournalError("disk full"))
    assert (rig.answers, rig.installed) == (["journal-unwritable"], [])
    rig.put("list", LIST, expected_revision=0)
    assert rig.answers[-1] == ""


def test_a_repeated_request_changes_nothing_but_names_one_request_only(rig: Rig) -> None:
    team = TeamSpec(team_id=TeamId("floor"))
    rig.put("list", LIST, request_id="r1")
    rig.put("list", LIST, request_id="r1")
    rig.put("team", team, request_id="r1")
    assert rig.resources.get("list", "people").revision == 1
    assert rig.resources.get("team", "floor") == team
    rig.resources.delete("list", "people", rig.done, request_id="r1")
    rig.answer()
    assert rig.resources.find("list", "people") is None
    rig.resources.delete("list", "people", rig.done, request_id="r1")
    assert rig.answers == [""] * 5


def test_what_is_not_there_is_not_deleted_and_ids_are_checked(rig: Rig) -> None:
    rig.resources.delete("list", "people", rig.done)
    rig.put("list", ListSpec(list_id=ListId("No Way")))
    assert rig.answers == ["unknown-list", "invalid-id"]


# --- checks -------------------------------------------------------------------------------------


@pytest.fixture
def known(rig: Rig) -> Resources:
    rig.put("list", LIST)
    rig.put("team", TeamSpec(team_id=TeamId("floor")))
    rig.put("trunk", TrunkSpec(trunk_id=TrunkId("north"), address="127.0.0.1"))
    rig.put("agent", AgentSpec(agent_id=AgentId("ann"), team_id=TeamId("floor")))
    rig.put("campaign", campaign())
    return rig.resources


def campaign(**changes: Any) -> CampaignSpec:
    values: dict[str, Any] = {
        "campaign_id": CampaignId("spring"),
        "lists": (ListLink(ListId("people")),),
        "teams": (TeamId("floor"),),
        "trunks": (TrunkId("north"),),
        "caller_id": E164("+14155550100"),
    }
    return CampaignSpec(**{**values, **changes})


@pytest.mark.parametrize(("name", "least", "most"), _RANGES)
def test_each_setting_has_its_range(known: Resources, name: str, least: float, most: float) -> None:
    for value in (least, most):
        check_spec(campaign(**{name: value}), known)
    for value in (least - 1, most + 1, float("nan")):
        with pytest.raises(DialerError) as refused:
            check_spec(campaign(**{name: value}), known)
        assert refused.value.slug == "out-of-range"


@pytest.mark.parametrize(
    ("spec", "slug"),
    [
        pytest.param(campaign(lists=(ListLink(ListId("no")),)), "unknown-list", id="list"),
        pytest.param(campaign(teams=(TeamId("no"),)), "unknown-team", id="team"),
        pytest.param(campaign(trunks=(TrunkId("no"),)), "unknown-trunk", id="trunk"),
        pytest.param(AgentSpec(agent_id=AgentId("a"), team_id=TeamId("no")), "unknown-team"),
        pytest.param(TrunkSpec(trunk_id=TrunkId("t"), address=""), "no-address"),
        pytest.param(TrunkSpec(trunk_id=TrunkId("t"), address="x", channels=0), "out-of-range"),
        pytest.param(TrunkSpec(trunk_id=TrunkId("t"), address="x", calls_per_s=0), "out-of-range"),
    ],
)
def test_what_means_nothing_is_refused(known: Resources, spec: AnySpec, slug: str) -> None:
    with pytest.raises(DialerError) as refused:
        check_spec(spec, known)
    assert refused.value.slug == slug


@pytest.mark.parametrize(
    ("analysis", "slug"),
    [
        pytest.param(AnalysisSpec(limit_s=10.5), "out-of-range", id="holds people in silence"),
        pytest.param(AnalysisSpec(minimum_speech_s=0.0), "out-of-range", id="no time"),
        pytest.param(AnalysisSpec(beep_limit_s=float("nan")), "out-of-range", id="no number"),
        pytest.param(AnalysisSpec(fax=Treatment.MESSAGE), "invalid-treatment", id="fax"),
        pytest.param(AnalysisSpec(silence=Treatment.MESSAGE), "invalid-treatment", id="silence"),
        pytest.param(AnalysisSpec(machine=Treatment.MESSAGE), "no-prompt", id="no message"),
    ],
)
def test_an_analysis_that_means_nothing_is_refused(
    known: Resources, analysis: AnalysisSpec, slug: str
) -> None:
    with pytest.raises(DialerError) as refused:
        check_spec(campaign(analysis=analysis), known)
    assert refused.value.slug == slug


SCENARIOS = [
    pytest.param({"a": End(), "b": End()}, {}, "step 'b' is never reached", id="no scenario"),
    pytest.param(
        {"a": Dispose("sold", then="b"), "b": End()}, {}, "step 'a' sets the disposition 'sold'",
        id="unknown disposition",
    ),
    pytest.param(
        {"a": Transfer()}, {"teams": ()}, "step 'a' transfers to agents", id="transfer to nobody"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "changes", "text"), SCENARIOS)
def test_a_scenario_that_cannot_be_carried_out_is_refused(
    known: Resources, steps: dict[str, Step], changes: dict[str, Any], text: str
) -> None:
    scenario = Scenario(first="a", steps=steps)
    with pytest.raises(DialerError, match="campaigns/spring: scenario: ") as refused:
        check_spec(campaign(scenario=scenario, **changes), known)
    assert refused.value.slug == "invalid-scenario"
    assert text in refused.value.message


def test_a_scenario_may_use_every_disposition_of_its_campaign(known: Resources) -> None:
    steps: dict[str, Step] = {
        "a": Dispose("sold", then="b"),
        "b": Dispose("success", then="c"),
        "c": Transfer(),
    }
    sold = Disposition("sold", DispositionKind.SUCCESS)
    check_spec(campaign(scenario=Scenario(first="a", steps=steps), dispositions=(sold,)), known)


def test_settings_at_their_limits_are_taken(known: Resources) -> None:
    check_spec(
        campaign(
            opt_out_key="#",
            analysis=AnalysisSpec(
                limit_s=10.0, machine=Treatment.MESSAGE, machine_prompt="call-back"
            ),
        ),
        known,
    )


@pytest.mark.parametrize("key", ["12", "a", "##", "٣"])
def test_only_a_key_of_a_phone_opts_out(known: Resources, key: str) -> None:
    with pytest.raises(DialerError) as refused:
        check_spec(campaign(opt_out_key=key), known)
    assert refused.value.slug == "invalid-key"


@pytest.mark.parametrize(
    ("kind", "name", "user"),
    [
        ("list", "people", "campaigns/spring"),
        ("trunk", "north", "campaigns/spring"),
        ("team", "floor", "campaigns/spring, agents/ann"),
    ],
)
def test_what_is_used_is_not_deleted(known: Resources, kind: str, name: str, user: str) -> None:
    with pytest.raises(DialerError) as refused:
        check_delete(kind, name, known)
    assert refused.value.slug == "in-use"
    assert user in refused.value.message
    check_delete("campaign", "spring", known)
    check_delete("agent", "ann", known)
