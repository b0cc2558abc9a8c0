"""The command line against a real gateway: what it prints, and how it fails."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

import pytest
import structlog
from typer.testing import CliRunner, Result

from clients.cli.app import app
from engine.domain.facts import PacingSummed
from engine.domain.ids import CampaignId
from engine.ports import StoredFact
from gateway.server import Gateway
from gateway.services import all_services
from tests.integration.gateway.double import EngineDouble
from tests.support.load import PATIENCE_S

Run = Callable[..., Result]


class Served:
    """A gateway on a loop and thread of its own, for commands that run a loop themselves."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.engine: EngineDouble
        self.address = ""
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._gateway.stop(0))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    async def _start(self) -> None:
        self.engine = EngineDouble()
        self._gateway = Gateway(all_services(cast("Any", self.engine)), listen="127.0.0.1:0")
        self.address = f"127.0.0.1:{await self._gateway.start()}"


def _drop(*_: object) -> structlog.typing.EventDict:
    raise structlog.DropEvent


@pytest.fixture
def served() -> Iterator[Served]:
    structlog.configure(processors=[_drop])  # the server's log would stand in our output
    with Served() as served:
        yield served
    structlog.reset_defaults()


@pytest.fixture
def run(served: Served) -> Run:
    runner = CliRunner(env={"PACELINE_SERVER": served.address, "COLUMNS": "200"})

    def invoke(*words: str, rc: int = 0, typed: str | None = None) -> Result:
        result = runner.invoke(app, list(words), input=typed)
        assert result.exit_code == rc, result.output
        return result

    return invoke


def made(run: Run) -> None:
    run("list", "create", "people")
    run("campaign", "create", "spring", "--mode", "progressive", "--list", "people",
        "--team", "sales", "--trunk", "carrier", "--caller-id", "+12025550100",
        "--hours", "mon-fri 09:00-20:00", "--hours", "sat 10:00-17:00 mobile")  # fmt: skip


def test_a_campaign_is_created_with_all_that_was_said(run: Run) -> None:
    made(run)
    campaign = json.loads(run("campaign", "get", "spring", "--json").stdout)
    assert campaign["mode"] == "MODE_PROGRESSIVE"
    assert campaign["teams"] == ["teams/sales"]
    assert campaign["caller_id"] == "+12025550100"
    assert [hours.get("phone_types") for hours in campaign["calling_hours"]] == [None, ["mobile"]]


def test_a_campaign_starts_and_stops_and_says_already(run: Run) -> None:
    made(run)
    assert run("campaign", "start", "spring").stdout == "campaigns/spring: running\n"
    assert run("campaign", "start", "spring").stdout == "campaigns/spring: already running\n"
    assert run("campaign", "stop", "spring").stdout == "campaigns/spring: idle\n"


def test_an_update_changes_only_what_is_given(run: Run) -> None:
    made(run)
    run("campaign", "update", "spring", "--progressive-rate", "1.5", "--automatic-answer")
    run("campaign", "update", "spring", "--manual-answer")
    campaign = json.loads(run("campaign", "get", "spring", "--json").stdout)
    assert campaign["progressive_rate"] == 1.5
    assert not campaign.get("automatic_answer")
    assert campaign["caller_id"] == "+12025550100"
    assert "nothing to change" in run("campaign", "update", "spring", rc=2).output


def test_a_campaign_is_made_from_what_get_prints(run: Run, tmp_path: Path) -> None:
    made(run)
    file = tmp_path / "campaign.json"
    file.write_text(run("campaign", "get", "spring", "--json").stdout)
    run("campaign", "create", "autumn", "--from", str(file), "--mode", "predictive")
    campaign = json.loads(run("campaign", "get", "autumn", "--json").stdout)
    assert (campaign["name"], campaign["mode"]) == ("campaigns/autumn", "MODE_PREDICTIVE")
    assert len(campaign["calling_hours"]) == 2


def test_lists_and_teams_of_a_campaign_are_changed(run: Run) -> None:
    made(run)
    run("list", "create", "more")
    run("team", "create", "night")
    assert (
        "disabled, order 2" in run("campaign", "add-list", "spring", "more", "--order", "2").stdout
    )
    assert "enabled" in run("campaign", "enable-list", "spring", "more").stdout
    assert "disabled" in run("campaign", "disable-list", "spring", "more").stdout
    assert run("campaign", "add-team", "spring", "night").stdout.endswith("teams sales night\n")
    assert run("campaign", "remove-team", "spring", "sales").stdout.endswith("teams night\n")


def test_what_holds_a_campaign_back_is_told(run: Run) -> None:
    made(run)
    text = run("explain", "spring").stdout
    assert "outside-hours" in text
    assert "Europe/Berlin" in text
    assert json.loads(run("explain", "spring", "--json").stdout)["ready_agents"] == 3


def test_a_day_of_pacing_is_reported_and_drawn(run: Run, served: Served, tmp_path: Path) -> None:
    made(run)
    assert "did not run" in run("report", "pacing", "spring", "--day", "2026-03-09").stdout
    fact = PacingSummed(
        at_s=datetime(2026, 3, 9, 9, 1, tzinfo=UTC).timestamp(), campaign_id=CampaignId("spring"),
        length_s=60.0, held_s={"budget": 60.0}, idle_s={"budget": 90.0}, decisions=240,
        calls_started=7, ready_agents=1.5, calls_in_flight=3.0, answer_ratio=0.3, tau=0.02,
        budget_calls=-1.0, dial_level=1.5,
    )  # fmt: skip
    served.engine.events.log.append(StoredFact(len(served.engine.events.log) + 1, fact))
    plot = tmp_path / "day.svg"
    text = run("report", "pacing", "spring", "--day", "2026-03-09", "--plot", str(plot)).stdout
    assert "ran 0:01:00, 7 calls started" in text
    assert ["budget", "0:01:00", "0:01:30", "100.0%"] in [
        row.split()[:4] for row in text.split("\n")
    ]
    assert "09:00" in text
    assert plot.read_text().startswith("<?xml")
    told = json.loads(run("report", "pacing", "spring", "--day", "2026-03-09", "--json").stdout)
    assert told["holds"] == [{"reason": "budget", "duration": "60s", "idle_duration": "90s"}]
    assert "day" in run("report", "pacing", "spring", "--day", "soon", rc=1).output
    assert "--plot" in run("report", "pacing", "spring", "--plot", "x.txt", rc=2).output


def test_what_stands_against_a_record_is_told(run: Run) -> None:
    made(run)
    text = run("explain", "people/7", "--campaign", "spring").stdout
    assert "not now: waiting" in text
    assert "on-dnc" in text
    assert "--campaign" in run("explain", "people/7", rc=2).output


def test_a_file_is_imported_into_a_list_that_is_made(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "New_People.csv"
    file.write_text("phone\n+12025550100\nbad\n")
    result = run("list", "import", str(file))
    assert "lists/new-people: 2 records added, 1 of 3 lines refused" in result.stdout
    assert "line 3: no number" in result.stderr
    again = json.loads(run("list", "import", str(file), "--json").stdout)
    assert again["lines_rejected"] == 1


def test_records_are_shown(run: Run) -> None:
    made(run)
    assert len(run("list", "records", "people", "--count", "3").stdout.splitlines()) == 4
    record = json.loads(run("list", "record", "people/3", "--json").stdout)
    assert record["custom_fields"] == {"city": "Ulm"}


def test_numbers_are_kept_from_being_called(run: Run) -> None:
    assert run("list", "dnc", "add", "+12025550100", "+12025550101").stdout == "2 added\n"
    assert "is on the list" in run("list", "dnc", "check", "+12025550100").stdout
    assert run("list", "dnc", "remove", "+12025550100").stdout == "1 removed\n"
    assert run("list", "dnc", "list").stdout == "+12025550101\n"


def test_agents_trunks_and_teams_are_made_and_shown(run: Run) -> None:
    run("agent", "create", "ada", "--team", "sales", "--phone", "sip:ada@127.0.0.1:5070")
    run("agent", "state", "ada", "not-ready", "--reason", "meeting", "--supervisor", "eve")
    assert "(meeting)" in run("agent", "list").stdout
    run("trunk", "create", "carrier", "--address", "127.0.0.1:5080", "--channels", "10")
    assert "4/10" in run("trunk", "list").stdout
    assert "sales" in run("team", "list").stdout


def test_a_trunk_is_made_with_every_setting_and_changed_in_part(run: Run) -> None:
    run("trunk", "create", "west-1", "--address", "tls.example.net", "--transport", "tls",
        "--group", "west", "--priority", "2", "--weight", "30", "--register", "600",
        "--session", "90", "--reliable", "offered", "--assert-identity", "--privacy",
        "--diversion", "+12025550100", "--srtp", "required",
        "--tls-name", "sip.example.net")  # fmt: skip
    assert "west 2/30" in run("trunk", "list").stdout
    run("trunk", "update", "west-1", "--weight", "10", "--no-privacy", "--clear", "diversion")
    trunk = json.loads(run("trunk", "get", "west-1", "--json").stdout)
    assert (trunk["weight"], trunk["priority"]) == (10, 2)
    assert (trunk["srtp"], trunk["reliable"]) == ("NEED_REQUIRED", "NEED_OFFERED")
    assert (trunk["register_interval"], trunk["session_interval"]) == ("600s", "90s")
    assert trunk["assert_identity"] is True
    assert not {"privacy", "diversion"} & set(trunk)
    run("trunk", "update", "west-1", "--address", "192.0.2.1:5061")
    assert "192.0.2.1:5061" in run("trunk", "list").stdout


def test_agents_and_lists_are_changed_in_part(run: Run) -> None:
    run("agent", "create", "ada", "--team", "sales", "--phone", "sip:ada@127.0.0.1:5070")
    run("agent", "update", "ada", "--team", "night", "--per-call", "--recording", "none",
        "--clear", "phone")  # fmt: skip
    agent = json.loads(run("agent", "get", "ada", "--json").stdout)
    assert (agent["team"], agent["leg"]) == ("teams/night", "AGENT_LEG_PER_CALL")
    assert agent["recording"] == "RECORDING_RULE_NONE"
    assert "phone" not in agent
    run("list", "create", "people", "--region", "DE")
    run("list", "update", "people", "--zone", "Europe/Berlin")
    kept = json.loads(run("list", "get", "people", "--json").stdout)
    assert (kept["region"], kept["default_zone"]) == ("DE", "Europe/Berlin")


def test_rules_of_a_campaign_are_set_and_cleared(run: Run) -> None:
    made(run)
    run("campaign", "update", "spring", "--analysis", "machine=message,machine-prompt=m,limit=2.5",
        "--caller-id-field", "show", "--local-caller-id", "+12125550100",
        "--local-caller-id", "+13105550100", "--opt-out-key", "9", "--recording", "all",
        "--hold-prompt", "")  # fmt: skip
    campaign = json.loads(run("campaign", "get", "spring", "--json").stdout)
    assert campaign["caller_ids"] == ["+12125550100", "+13105550100"]
    assert campaign["analysis"]["machine"] == "TREATMENT_MESSAGE"
    assert campaign["analysis"]["limit"] == "2.500s"
    assert (campaign["caller_id_field"], campaign["opt_out_key"]) == ("show", "9")
    assert campaign["hold_prompt"] == ""
    run("campaign", "update", "spring", "--analysis", "off", "--clear", "caller_ids")
    campaign = json.loads(run("campaign", "get", "spring", "--json").stdout)
    assert not {"analysis", "caller_ids"} & set(campaign)
    assert campaign["recording"] == "RECORDING_RULE_ALL"


def test_a_desk_is_worked_from_a_pipe(run: Run, served: Served) -> None:
    run("agent", "create", "ada")
    result = run("agent", "login", "ada", typed="ready\nhangup\nwhat\nquit\n")
    assert "ok" in result.stdout
    assert "refused: unknown-call" in result.stdout
    assert "unknown command 'what'" in result.stdout
    assert served.engine.desks[0].said


def test_values_and_events_are_printed_for_scripts(run: Run, served: Served) -> None:
    served.engine.events.happen(3)
    lines = run("watch", "events", "--once", "--after", "1", "--json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [2, 3]
    assert "engine started" in run("watch", "events", "--once").stdout
    made(run)
    decision = json.loads(run("watch", "pacing", "--campaign", "spring", "--once").stdout)
    assert decision["reason"] == "risk"
    assert run("watch", "campaigns", "--once").exit_code == 0


def test_the_engine_says_how_it_is(run: Run) -> None:
    assert json.loads(run("engine", "--json").stdout)["calls_in_progress"] == 7


def test_a_refusal_is_one_line_with_its_slug(run: Run) -> None:
    result = run("campaign", "start", "nowhere", rc=1)
    assert result.stdout == ""
    assert result.stderr.startswith("error: unknown-campaign: ")
    assert len(result.stderr.splitlines()) == 1


def test_no_server_is_one_line() -> None:
    result = CliRunner().invoke(app, ["engine", "--server", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: unreachable: no answer from 127.0.0.1:1")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["campaign", "create"], id="an argument is missing"),
        pytest.param(["campaign", "create", "c", "--hours", "noon"], id="no hours"),
        pytest.param(["campaign", "create", "c", "--mode", "manual"], id="no mode"),
        pytest.param(["campaign", "update", "c", "--analysis", "limit=long"], id="no analysis"),
        pytest.param(["trunk", "update", "t"], id="no change"),
        pytest.param(["trunk", "update", "t", "--clear", "colour"], id="no field"),
        pytest.param(["trunk", "update", "t", "--realm", "r", "--clear", "realm"], id="both"),
        pytest.param(["trunk", "create", "t"], id="a trunk without an address"),
        pytest.param(["trunk", "create", "t", "--address", "a", "--weight", "0"], id="no weight"),
        pytest.param(["list", "import", "/nowhere.csv"], id="no file"),
        pytest.param(["list", "record", "people"], id="no record"),
        pytest.param(["watch", "pacing"], id="pacing of no campaign"),
        pytest.param(["serve", "--listen", "here"], id="no address"),
        pytest.param(["simulate", "--answer-ratio", "2"], id="no share"),
        pytest.param(["dance"], id="no command"),
    ],
)
def test_bad_usage_ends_with_2(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "first"),
    [
        pytest.param(
            ["campaign", "create", "c", "--mode", "manual"],
            "error: --mode: 'manual' is not one of 'preview', 'progressive', 'predictive', "
            "'automatic'.",
            id="no mode",
        ),
        pytest.param(
            ["campaign", "create", "c", "--hours", "noon"],
            "error: --hours: 'noon': no span of a day such as 09:00-20:00",
            id="no hours",
        ),
        pytest.param(
            ["campaign", "create", "c", "--max-level", "77"],
            "error: --max-level: Input should be less than or equal to 10",
            id="out of range",
        ),
        pytest.param(["campaign", "create"], "error: missing argument 'CAMPAIGN'.", id="no id"),
        pytest.param(
            ["campaign", "creat"],
            "error: no such command 'creat'. Did you mean 'create'?",
            id="mistyped",
        ),
    ],
)
def test_bad_usage_says_first_what_is_wrong_and_then_how_it_is_called(
    words: list[str], first: str
) -> None:
    told, usage = CliRunner().invoke(app, words).stderr.splitlines()
    assert told == first
    assert usage.startswith("usage: ")


def test_saying_nothing_shows_the_help_and_no_error() -> None:
    result = CliRunner().invoke(app, ["campaign"])
    assert "error:" not in result.output
    assert "explain" in result.output
