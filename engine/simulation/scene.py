"""The scene of a simulation: whom there is to call, under which rules, and when the day begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.dispositions import DialRule
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact, ResourcePut
from engine.domain.ids import AgentId, CampaignId, ListId, TeamId, TrunkId
from engine.domain.scenario import AddToDnc, Collect, End, Play, Scenario, Transfer
from engine.domain.specs import (
    AgentLeg,
    AgentSpec,
    CampaignSpec,
    HoursRow,
    ListLink,
    ListSpec,
    Mode,
    NumberChoice,
    RuleWindow,
    Spec,
    TeamSpec,
    TrunkSpec,
)
from engine.lists.columns import BatchColumns, encode
from engine.ports import ImportBatch
from engine.telephony.simulated import CarrierModel, NetworkFaults, draw_windows

Ints = NDArray[np.int64]
Numbers = NDArray[np.uint64]
CENTRE = ZoneInfo("America/New_York")
MAIN = CampaignId("main")
SECOND = CampaignId("second")
FLOOR = TeamId("floor")
TRUNKS = (TrunkId("north"), TrunkId("south"))
_ZONES = (
    ("America/New_York",),
    ("America/Chicago",),
    ("America/Denver",),
    ("America/Los_Angeles",),
    ("America/Phoenix",),
    ("America/New_York", "America/Chicago"),
    ("America/Denver", "America/Los_Angeles"),
    ("Pacific/Honolulu",),
)
_AREA_CODES = (212, 312, 303, 415, 602, 812, 208, 808)
_TYPES = ("mobile", "home")
_CALLS_PER_AGENT_HOUR = 34.0
"""Connections that keep one agent busy: talks of 90 s, after-call work of 15 s."""
_QUICK = (
    DialRule("busy", max_retries=2, retry_delay_s=60.0, delay_s=120.0),
    DialRule("no-answer", delay_s=90.0),
    DialRule("network-failure", max_retries=1, retry_delay_s=60.0, delay_s=90.0),
    DialRule("system-failure", delay_s=70.0),
    DialRule("no-agent", delay_s=180.0),
    DialRule("abandoned", delay_s=120.0),
    DialRule("wrong-person", delay_s=60.0),
)
"""Short rests, so that caps are reached within minutes."""


_MENU = Scenario(
    first="hello",
    steps={
        "hello": Play("beep", then="menu"),
        "menu": Collect(
            prompt="beep",
            choices={"1": "agent", "2": "menu", "*": "never"},
            otherwise="bye",
            tries=2,
        ),
        "agent": Transfer(),
        "never": AddToDnc(then="bye"),
        "bye": Play("beep", then="end"),
        "end": End(),
    },
    limit_s=60.0,
)
"""What automatic campaigns ask; 9 is left to the opt-out key."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is asked of a simulation.

    Attributes:
        seed: Of everything that is random.
        agents: Virtual agents.
        hours: Simulated time that is counted. [h]
        answer_ratio: Share of calls that a person answers.
        mode: Mode of the campaigns.
        faults: Whether things go wrong: carrier, phones, operators, crashes.
        starts_s: First instant; 0: chosen to suit. [s since the epoch]
        tick_s: Period of pacing decisions, up to 1. [s]
        analysis: Whether machines answer too, and answers are analysed and treated; people press
            keys.
        false_machines: Whether rules count the persons whom analysis takes for machines.
    """

    seed: int
    agents: int
    hours: float
    answer_ratio: float = 0.3
    mode: Mode = Mode.PROGRESSIVE
    faults: bool = False
    starts_s: float = 0.0
    tick_s: float = 0.25
    analysis: bool = False
    false_machines: bool = False


@dataclass(slots=True)
class People:
    """The truth about the numbers: where their owners may be, and what phones they are."""

    zones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything there is before the engine starts.

    Attributes:
        script: What was asked.
        starts_s: First instant. [s since the epoch]
        specs: Resources, by kind.
        batches: Records.
        people: The truth about numbers.
        model: The law of the world.
        faults: What goes wrong on the wire.
    """

    script: Script
    starts_s: float
    specs: Sequence[tuple[str, Spec]]
    batches: Sequence[ImportBatch]
    people: People
    model: CarrierModel
    faults: NetworkFaults

    @property
    def ends_s(self) -> float:
        """End of the time that is counted. [s since the epoch]"""
        return self.starts_s + self.script.hours * 3600.0

    @property
    def campaigns(self) -> list[CampaignSpec]:
        """The campaigns."""
        return [spec for _, spec in self.specs if isinstance(spec, CampaignSpec)]

    @property
    def agents(self) -> list[AgentSpec]:
        """The agents."""
        return [spec for _, spec in self.specs if isinstance(spec, AgentSpec)]

    def facts(self) -> list[AnyFact]:
        """Return the facts that make the resources."""
        return [
            ResourcePut(
                at_s=self.starts_s,
                kind=kind,
                id=getattr(spec, f"{kind}_id"),
                revision=1,
                body=msgspec.msgpack.encode(spec),
            )
            for kind, spec in self.specs
        ]

    def rules(self) -> Mapping[str, Mapping[str, object]]:
        """Return what each campaign must obey, as plain values for a checker."""
        return {
            spec.campaign_id: {
                "hours": [
                    (row.opens_s, row.closes_s, row.phone_types, row.days) for row in spec.hours
                ],
                "guard_s": spec.end_guard_s,
                "record_cap": spec.max_attempts_per_record,
                "number_cap": spec.max_attempts_per_number,
                "retries": 2,
                "unattended_s": spec.unattended_timeout_s,
                "analysis_s": spec.analysis.limit_s if spec.analysis else 0.0,
                "cap": spec.max_unattended_ratio,
                "false_machine_ratio": spec.false_machine_ratio,
                "false_machine_windows": [window.value for window in spec.false_machine_windows],
            }
            for spec in self.campaigns
        }


def set_scene(script: Script) -> Scene:
    """Return the scene for a script; the same script gives the same scene."""
    random = Random(f"{script.seed} scene")  # noqa: S311 - a simulation
    starts_s = script.starts_s or _first_instant(script, random)
    people = People()
    lists = {ListId("first"): _size(script), ListId("shared"): _size(script) // 3 + 10}
    batches: list[ImportBatch] = []
    first_zones: Ints | None = None
    for place, (list_id, size) in enumerate(lists.items()):
        batch, zones = _records(list_id, place, size, first_zones, people, script)
        batches.append(batch)
        first_zones = zones if first_zones is None else first_zones
    faults = NetworkFaults()
    if script.faults:
        faults = NetworkFaults(
            windows=draw_windows(random, TRUNKS, starts_s, starts_s + script.hours * 3600.0),
            silent_ratio=0.01,
            repeated_ringing_ratio=0.2,
            crossing_ratio=0.2,
            deaf_ratio=0.05 if script.analysis else 0.0,
            phone_mean_s=600.0,
            departure_s=0.01,
        )
    return Scene(
        script,
        starts_s,
        _specs(script, list(lists), random),
        batches,
        people,
        _world(script),
        faults,
    )


def _world(script: Script) -> CarrierModel:
    """Return the law of the called parties; where answers are analysed, many are machines."""
    if not script.analysis:
        return CarrierModel(answer_ratio=script.answer_ratio)
    return CarrierModel(
        answer_ratio=script.answer_ratio,
        declined_ratio=0.15,
        machine_ratio=0.3,
        fax_ratio=0.03,
        quiet_ratio=0.03,
        press_ratio=0.5,
    )


def _first_instant(script: Script, random: Random) -> float:
    """Noon in New York, when all its zones are open; with faults where hours open or close."""
    day = datetime(2026, 6, 1, tzinfo=CENTRE)
    if not script.faults:
        return (day + timedelta(hours=12)).astimezone(UTC).timestamp()
    minute = random.choice((8 * 60, 9 * 60, 12 * 60, 20 * 60, 21 * 60, 22 * 60))
    before = random.uniform(2.0, 8.0) if minute != 12 * 60 else 0.0
    return (day + timedelta(minutes=minute - before)).astimezone(UTC).timestamp()


def _size(script: Script) -> int:
    """Return how many records keep the agents busy; with faults fewer, so that caps bite."""
    lines = max(script.agents, 10) if script.mode is Mode.AUTOMATIC else script.agents
    calls = lines * script.hours * _CALLS_PER_AGENT_HOUR / max(script.answer_ratio, 0.02)
    return int(calls * 0.4) + 60 if script.faults else int(calls * 1.5) + 500


def _records(
    list_id: ListId,
    place: int,
    size: int,
    first_zones: Ints | None,
    people: People,
    script: Script,
) -> tuple[ImportBatch, Ints]:
    """Return a list's records and their zones.

    A list after the first begins with people of the first, so their numbers stand in both.
    """
    luck = np.random.default_rng([script.seed, place])
    zone = luck.integers(0, len(_ZONES) if script.faults else len(_ZONES) - 1, size)
    pairs = luck.random(size) < (0.3 if script.faults else 0.1)
    counts = np.where(pairs, 2, 1).astype(np.uint8)
    line = np.arange(size, dtype=np.uint64)
    if first_zones is not None:
        shared = size // 2
        line[shared:] += np.uint64(len(first_zones))
        zone[:shared] = first_zones[:shared]
    firsts = _number(zone, line)
    owners = np.repeat(np.arange(size), counts)
    numbers = np.repeat(firsts, counts)
    second = np.ones(len(owners), bool)
    second[np.cumsum(counts, dtype=np.int64) - counts] = False
    numbers[second] = _number(zone[owners[second]], line[owners[second]], 5_000_000)
    types = np.where(second, 1, 0).astype(np.uint8)
    for number, owner, kind in zip(numbers.tolist(), owners.tolist(), types.tolist(), strict=True):
        people.zones.setdefault(f"+{number}", _ZONES[int(zone[owner])])
        people.types.setdefault(f"+{number}", _TYPES[kind])
    columns = BatchColumns(
        counts=counts,
        numbers=numbers,
        types=types,
        zones=zone.astype(np.uint32),
        priority=(luck.random(size) < 0.02).astype(np.uint8),
        keys=np.arange(size, dtype=np.uint64),
        type_names=_TYPES,
        zone_sets=_ZONES,
    )
    blank = msgspec.msgpack.encode({})
    batch = ImportBatch(list_id, "opening", 0, 0, size, encode(columns), [blank] * size, (), size)
    return batch, zone


def _number(zone: Ints, line: Numbers, base: int = 2_000_000) -> Numbers:
    """Return E.164 digits in the area code of a zone."""
    codes = np.array(_AREA_CODES, np.uint64)[zone]
    return np.uint64(10_000_000_000 + base) + codes * np.uint64(10_000_000) + line


def _specs(script: Script, lists: list[ListId], random: Random) -> list[tuple[str, Spec]]:
    specs: list[tuple[str, Spec]] = [("team", TeamSpec(team_id=FLOOR))]
    specs += [("trunk", _trunk(trunk_id, script)) for trunk_id in TRUNKS]
    specs += [("list", ListSpec(list_id=list_id)) for list_id in lists]
    for place in range(script.agents):
        per_call = script.faults and random.random() < 0.2
        agent = AgentSpec(
            agent_id=AgentId(f"agent-{place:04}"),
            team_id=FLOOR,
            phone_password="of-the-phone",  # noqa: S106 - of nobody
            leg=AgentLeg.PER_CALL if per_call else AgentLeg.NAILED_UP,
        )
        specs.append(("agent", agent))
    specs.append(("campaign", _campaign(MAIN, script, lists, random)))
    if script.faults:
        specs.append(("campaign", _campaign(SECOND, script, lists[1:], random)))
    return specs


def _trunk(trunk_id: TrunkId, script: Script) -> TrunkSpec:
    return TrunkSpec(
        trunk_id=trunk_id,
        address=f"{trunk_id}.invalid",
        channels=max(20, script.agents * 8) if not script.faults else max(6, script.agents),
        calls_per_s=max(20.0, script.agents * 2.0),
        options_s=10.0,
    )


def _campaign(
    campaign_id: CampaignId, script: Script, lists: list[ListId], random: Random
) -> CampaignSpec:
    spec = _plain_campaign(campaign_id, script, lists, random)
    return _analysed(spec, script) if script.analysis else spec


def _analysed(spec: CampaignSpec, script: Script) -> CampaignSpec:
    """Return a campaign that analyses answers and treats them in one way or another."""
    luck = Random(f"{script.seed} {spec.campaign_id} treatments")  # noqa: S311 - a simulation
    analysis = AnalysisSpec(
        machine=luck.choice(tuple(Treatment)),
        machine_prompt="beep",
        beep_limit_s=luck.choice((10.0, 30.0)),
        fax=luck.choice((Treatment.END, Treatment.CONNECT)),
        silence=luck.choice((Treatment.END, Treatment.CONNECT)),
    )
    automatic = spec.mode is Mode.AUTOMATIC
    return msgspec.structs.replace(
        spec,
        analysis=analysis if not automatic or luck.random() < 0.5 else None,
        unattended_prompt=luck.choice(("", "beep")),
        opt_out_key="9",
        opt_out_prompt=luck.choice(("", "beep")),
        scenario=_MENU if automatic else None,
        false_machine_windows=tuple(RuleWindow) if script.false_machines else (),
    )


def _plain_campaign(
    campaign_id: CampaignId, script: Script, lists: list[ListId], random: Random
) -> CampaignSpec:
    spec = CampaignSpec(
        campaign_id=campaign_id,
        mode=script.mode,
        lists=tuple(
            ListLink(list_id, enabled=True, order=order) for order, list_id in enumerate(lists, 1)
        ),
        teams=(FLOOR,),
        trunks=TRUNKS,
        caller_id=E164("+12125550100"),
        hours=(HoursRow(opens_s=8 * 3600, closes_s=21 * 3600),),
        automatic_answer=True,
        prompt="beep" if script.mode is Mode.AUTOMATIC else "",
    )
    if not script.faults:
        return spec
    mobile_hours = HoursRow(opens_s=9 * 3600, closes_s=20 * 3600, phone_types=("mobile",))
    home_hours = HoursRow(opens_s=8 * 3600, closes_s=21 * 3600, phone_types=("home",))
    return msgspec.structs.replace(
        spec,
        hours=(mobile_hours, home_hours),
        dial_rules=_QUICK,
        max_attempts_per_record=random.choice((2, 3)),
        max_attempts_per_number=random.choice((1, 2)),
        number_choice=random.choice(tuple(NumberChoice)),
        automatic_answer=random.random() < 0.7,
        unattended_prompt=random.choice(("", "beep")),
        acw_limit_s=random.choice((0.0, 20.0)),
    )
