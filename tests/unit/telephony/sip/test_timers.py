"""The timer queue against a plain reference."""

from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.sip.timers import TimerQueue


class Owner:
    def __init__(self) -> None:
        self.fired: list[tuple[str, float]] = []

    def on_timer(self, name: str, now_s: float) -> None:
        self.fired.append((name, now_s))


waits = st.one_of(st.sampled_from([0.5, 1.0, 2.0, 4.0, 5.0, 8.0, 16.0, 32.0]), st.floats(0, 40))


@given(
    st.lists(st.tuples(waits, st.booleans()), max_size=40), st.lists(st.floats(0, 20), max_size=8)
)
def test_every_timer_fires_once_in_order_unless_stopped(
    starts: list[tuple[float, bool]], steps: list[float]
) -> None:
    queue, owner, now_s = TimerQueue(), Owner(), 100.0
    expected: list[tuple[float, str]] = []
    for number, (wait_s, stopped) in enumerate(starts):
        timer = queue.start(wait_s, now_s, owner, str(number))
        if stopped:
            timer.stop()
        else:
            expected.append((now_s + wait_s, str(number)))
        now_s += 0.125
    for step_s in [*steps, 100.0]:
        now_s += step_s
        queue.advance(now_s)
        due = {name for deadline_s, name in expected if deadline_s <= now_s}
        assert {name for name, _ in owner.fired} == due
    deadlines = {name: deadline_s for deadline_s, name in expected}
    groups: dict[float, list[float]] = {}
    for name, at_s in owner.fired:
        groups.setdefault(at_s, []).append(deadlines[name])
    assert all(group == sorted(group) for group in groups.values())
    assert len(queue) == 0


def test_the_next_deadline_is_never_too_late() -> None:
    queue, owner = TimerQueue(), Owner()
    queue.start(32.0, 0.0, owner, "b")
    queue.start(0.5, 0.0, owner, "a").stop()
    assert queue.next_deadline() <= 32.0
    queue.advance(1.0)
    assert queue.next_deadline() == 32.0


def test_time_that_goes_back_starts_no_timer_in_the_past() -> None:
    queue, owner = TimerQueue(), Owner()
    queue.start(0.5, 10.0, owner, "a")
    queue.start(0.5, 9.0, owner, "b")
    queue.advance(10.5)
    assert [name for name, _ in owner.fired] == ["a", "b"]
