"""Running a scenario: one way through for every prompt, key and silence, and always an end."""

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from engine.domain.refusals import InvalidRequestError
from engine.domain.scenario import (
    AddToDnc,
    Collect,
    Dispose,
    End,
    Play,
    Scenario,
    Step,
    Transfer,
    check_scenario,
    followers,
    one_prompt,
)
from engine.machines.scenario import (
    Act,
    Block,
    Finish,
    Hush,
    Listen,
    Note,
    Say,
    ScenarioRun,
    ToAgent,
)

MENU = Scenario(
    first="hello",
    steps={
        "hello": Play("hello.wav", then="menu"),
        "menu": Collect(
            prompt="menu.wav",
            choices={"1": "agent", "2": "menu", "9": "never"},
            otherwise="bye",
            within_s=4.0,
            tries=2,
        ),
        "agent": Transfer(),
        "never": AddToDnc(then="note"),
        "note": Dispose("add-to-dnc", then="bye"),
        "bye": Play("bye.wav", then="end"),
        "end": End(),
    },
)


def at_menu() -> ScenarioRun:
    run = ScenarioRun(MENU)
    run.begin()
    run.heard()
    return run


def turn_of(acts: list[Act]) -> int:
    (listen,) = acts
    assert isinstance(listen, Listen)
    return listen.turn


def test_the_scenario_is_one() -> None:
    check_scenario(MENU, "campaigns/spring")


def test_prompts_follow_one_another() -> None:
    run = ScenarioRun(MENU)
    assert run.begin() == [Say("hello.wav")]
    assert run.heard() == [Say("menu.wav")]
    assert run.step_name == "menu"


def test_one_prompt_is_played_and_is_all() -> None:
    run = ScenarioRun(one_prompt("news.wav"))
    check_scenario(one_prompt("news.wav"), "campaigns/spring")
    assert run.begin() == [Say("news.wav")]
    assert run.pressed("1") == []
    assert run.heard() == [Finish()]
    assert run.over


def test_a_key_cuts_the_question_short() -> None:
    run = at_menu()
    assert run.pressed("1") == [Hush(), ToAgent()]
    assert run.over


def test_a_key_the_next_question_knows_cuts_the_greeting_short_and_no_other_does() -> None:
    run = ScenarioRun(MENU)
    run.begin()
    assert run.pressed("5") == []
    assert run.wants("1")
    assert not run.wants("5")
    assert run.pressed("1") == [Hush(), ToAgent()]


def test_a_key_after_the_question_needs_no_hush() -> None:
    run = at_menu()
    run.heard()
    assert run.pressed("9") == [Block(), Note("add-to-dnc"), Say("bye.wav")]


def test_wrong_keys_and_silence_use_up_the_tries() -> None:
    run = at_menu()
    assert run.pressed("7") == [Hush(), Say("menu.wav")]
    turn = turn_of(run.heard())
    assert run.waited(turn) == [Say("bye.wav")]
    assert run.waited(turn) == []


def test_coming_back_to_a_question_gives_its_tries_anew() -> None:
    run = at_menu()
    run.pressed("7")
    assert run.pressed("2") == [Hush(), Say("menu.wav")]
    assert run.pressed("7") == [Hush(), Say("menu.wav")]


def test_a_wait_that_ends_after_its_key_changes_nothing() -> None:
    run = at_menu()
    turn = turn_of(run.heard())
    run.pressed("2")
    assert run.waited(turn) == []
    assert turn_of(run.heard()) != turn


def test_after_the_end_nothing_follows() -> None:
    run = at_menu()
    run.pressed("1")
    assert (run.heard(), run.pressed("1"), run.waited(0), run.wants("1")) == ([], [], [], False)


def test_a_question_without_a_prompt_only_waits() -> None:
    steps: dict[str, Step] = {
        "ask": Collect({"1": "end"}, otherwise="end", within_s=2.0),
        "end": End(),
    }
    (listen,) = ScenarioRun(Scenario(first="ask", steps=steps)).begin()
    assert isinstance(listen, Listen)
    assert listen.for_s == 2.0


BAD = [
    pytest.param({"first": "x"}, "the first step 'x' does not exist", id="first"),
    pytest.param({"limit_s": 4.0}, "limit_s 4 is not in 5 to 900", id="limit"),
    pytest.param({"limit_s": float("nan")}, "limit_s nan", id="limit that is no number"),
    pytest.param({"steps": {}}, "0 steps", id="none"),
    pytest.param({"a": Play("a.wav", then="b")}, "step 'a' leads to 'b', which does", id="unknown"),
    pytest.param({"a": End(), "b": End()}, "step 'b' is never reached", id="unreached"),
    pytest.param(
        {"a": Play("a.wav", then="b"), "b": Play("b.wav", then="a")},
        "step 'a' leads back to itself without waiting",
        id="endless",
    ),
    pytest.param({"a": AddToDnc(then="a")}, "leads back to itself", id="itself"),
    pytest.param({"a": Play("", then="e"), "e": End()}, "step 'a': has no prompt", id="no prompt"),
    pytest.param({"a": Play("x\n", then="e"), "e": End()}, "printable", id="line break"),
    pytest.param({"a": Collect({}, "e"), "e": End()}, "has no choices", id="no choices"),
    pytest.param({"a": Collect({"A": "e"}, "e"), "e": End()}, "'A' is no key", id="no key"),
    pytest.param({"a": Collect({"10": "e"}, "e"), "e": End()}, "'10' is no key", id="two keys"),
    pytest.param(
        {"a": Collect({"1": "e"}, "e", within_s=0.5), "e": End()}, "within_s 0.5", id="too short"
    ),
    pytest.param({"a": Collect({"1": "e"}, "e", tries=6), "e": End()}, "tries 6", id="tries"),
    pytest.param({"a": Dispose("", then="e"), "e": End()}, "no disposition", id="no disposition"),
    pytest.param({"A b": End()}, "a name is lower-case", id="name"),
    pytest.param({f"s{n}": End() for n in range(51)}, "51 steps", id="too many"),
]


@pytest.mark.parametrize(("changes", "text"), BAD)
def test_what_is_no_scenario_is_refused_with_the_step(
    changes: dict[str, object], text: str
) -> None:
    values: dict[str, object] = {"first": "a", "steps": {"a": End()}}
    if changes.keys() & {"first", "steps", "limit_s"}:
        values |= changes
    else:
        values |= {"steps": changes, "first": next(iter(changes))}
    scenario = Scenario(**values)  # type: ignore[arg-type]  # by name, some of them wrong
    with pytest.raises(InvalidRequestError, match="campaigns/spring: scenario: ") as refused:
        check_scenario(scenario, "campaigns/spring")
    assert text in str(refused.value)


def test_a_loop_that_waits_for_the_person_is_allowed() -> None:
    steps: dict[str, Step] = {
        "ask": Collect({"1": "again", "2": "end"}, otherwise="end"),
        "again": Play("again.wav", then="ask"),
        "end": End(),
    }
    check_scenario(Scenario(first="ask", steps=steps), "campaigns/spring")


NAMES = ("a", "b", "c", "d")
names = st.sampled_from(NAMES)
steps = st.one_of(
    st.builds(Play, prompt=st.just("x.wav"), then=names),
    st.builds(
        Collect,
        choices=st.dictionaries(st.sampled_from("12"), names, min_size=1),
        otherwise=names,
        prompt=st.sampled_from(["", "ask.wav"]),
        tries=st.integers(1, 3),
    ),
    st.builds(Transfer),
    st.builds(AddToDnc, then=names),
    st.builds(Dispose, disposition=st.just("success"), then=names),
    st.builds(End),
)


class Follower:
    """Does what a run asks for, and holds it to what can be done."""

    def __init__(self, run: ScenarioRun) -> None:
        self.run = run
        self.playing = False
        self.turn = -1

    def follow(self, acts: list[Act]) -> None:
        for act in acts:
            match act:
                case Say():
                    assert not self.playing, "a prompt is played over another"
                    self.playing, self.turn = True, -1
                case Hush():
                    assert self.playing, "nothing plays that could be stopped"
                    self.playing = False
                case Listen(_, turn):
                    assert not self.playing
                    self.turn = turn
                case ToAgent() | Finish():
                    assert act is acts[-1]
                    assert self.run.over
                case Block() | Note():
                    pass
        assert self.run.over or self.playing or self.turn >= 0, "nothing is waited for"

    def happen(self, event: str) -> None:
        if event == "heard":
            if self.playing:
                self.playing = False
                self.follow(self.run.heard())
        elif event == "waited":
            if self.turn >= 0 and not self.playing:
                turn, self.turn = self.turn, -1
                self.follow(self.run.waited(turn))
        elif event == "early":
            assert self.run.waited(self.turn - 1) == []
        else:
            self.follow(self.run.pressed(event))


def reached(drawn: dict[str, Step]) -> dict[str, Step]:
    """Leave out what no step leads to."""
    found, fresh = {"a"}, ["a"]
    while fresh:
        after = set(followers(drawn[fresh.pop()])) - found
        found |= after
        fresh += after
    return {name: step for name, step in drawn.items() if name in found}


@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, steps)),
    st.lists(st.sampled_from(["heard", "1", "2", "5", "waited", "early"]), max_size=30),
)
def test_every_scenario_that_passes_always_waits_for_something_or_is_over(
    drawn: dict[str, Step], events: list[str]
) -> None:
    scenario = Scenario(first="a", steps=reached(drawn))
    try:
        check_scenario(scenario, "campaigns/spring")
    except InvalidRequestError:
        reject()
    follower = Follower(ScenarioRun(scenario))
    follower.follow(follower.run.begin())
    for event in events:
        follower.happen(event)
