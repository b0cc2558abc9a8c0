"""Scenario files: what people write, as the API takes it; and what is wrong, with its step."""

from pathlib import Path

import pytest
import typer

from clients.cli.scenarios import scenario
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

MENU = """
first = "hello"
limit = 120

[steps.hello]
do = "play"
prompt = "hello.wav"
then = "menu"

[steps.menu]
do = "collect"
prompt = "menu.wav"
choices = { 1 = "agent", 9 = "never" }
otherwise = "bye"
within = 4.5
tries = 2

[steps.agent]
do = "transfer"

[steps.never]
do = "add-to-dnc"
then = "quiet"

[steps.quiet]
do = "do-not-record"
banned = true
then = "note"

[steps.note]
do = "set-disposition"
disposition = "add-to-dnc"
then = "bye"

[steps.bye]
do = "hang-up"
"""


def written(folder: Path, text: str, name: str = "menu.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    made = scenario(written(tmp_path, MENU))
    assert (made.first, made.limit.seconds) == ("hello", 120)
    does = {name: made.steps[name].WhichOneof("does") for name in made.steps}
    assert does == {
        "hello": "play",
        "menu": "collect",
        "agent": "transfer",
        "never": "add_to_dnc",
        "quiet": "do_not_record",
        "note": "set_disposition",
        "bye": "hang_up",
    }
    assert made.steps["quiet"].do_not_record.banned
    menu = made.steps["menu"].collect
    assert dict(menu.choices) == {"1": "agent", "9": "never"}
    assert (menu.within.ToMilliseconds(), menu.tries, menu.otherwise) == (4500, 2, "bye")
    assert made.steps["hello"].play == pb.Scenario.Play(prompt="hello.wav", then="menu")


def test_json_of_the_same_form_is_taken_and_defaults_are_left_to_the_server(tmp_path: Path) -> None:
    text = (
        '{"first": "ask", "steps": {"ask": {"do": "collect", "choices": {"1": "end"},'
        ' "otherwise": "end"}, "end": {"do": "hang-up"}}}'
    )
    made = scenario(written(tmp_path, text, "menu.json"))
    ask = made.steps["ask"].collect
    assert not made.HasField("limit")
    assert not ask.HasField("within")
    assert not ask.HasField("tries")


@pytest.mark.parametrize(
    ("text", "about"),
    [
        pytest.param("first = ", "Invalid value", id="no TOML"),
        pytest.param("[steps]", "'first' is missing", id="no first step"),
        pytest.param('first = "a"', "'steps' is missing", id="no steps"),
        pytest.param('first = "a"\nsteps = 3', "no attribute", id="no table of steps"),
        pytest.param('first = "a"\nlast = 3\n[steps]', "'last'", id="unknown field"),
        pytest.param('first = "a"\n[steps.a]\ndo = "sing"', "step 'a': do is one of", id="do"),
        pytest.param('first = "a"\n[steps.a]\ndo = "play"', "step 'a' has no prompt", id="prompt"),
        pytest.param(
            'first = "a"\n[steps.a]\ndo = "hang-up"\nthen = "b"', "step 'a' has a field 'then'",
            id="field too many",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, text: str, about: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        scenario(written(tmp_path, text))
    assert about in str(refused.value)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(typer.BadParameter, match=r"nowhere\.toml"):
        scenario("nowhere.toml")
