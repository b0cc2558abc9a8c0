"""Those who fail wait, longer each time; those who do not are not in their way."""

from engine.telephony.sip.throttle import FORGOTTEN_S, LONGEST_WAIT_S, MAX_KEYS, Throttle


def test_the_first_failures_are_free_and_then_each_doubles_the_wait() -> None:
    throttle = Throttle(3)
    waits = []
    for _ in range(14):
        throttle.fail("a", 0.0)
        waits.append(throttle.wait_s("a", 0.0))
    assert waits[:7] == [0.0, 0.0, 0.0, 2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == LONGEST_WAIT_S
    assert throttle.wait_s("b", 0.0) == 0.0


def test_a_wait_passes() -> None:
    throttle = Throttle(0)
    throttle.fail("a", 10.0)
    assert throttle.wait_s("a", 11.5) == 0.5
    assert throttle.wait_s("a", 12.0) == 0.0


def test_success_and_time_forgive() -> None:
    throttle = Throttle(0)
    for _ in range(5):
        throttle.fail("a", 0.0)
        throttle.fail("b", 0.0)
    throttle.succeed("a")
    assert throttle.wait_s("a", 0.0) == 0.0
    throttle.fail("b", FORGOTTEN_S)
    assert throttle.wait_s("b", FORGOTTEN_S) == 2.0


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    throttle = Throttle(0)
    for number in range(MAX_KEYS + 10):
        throttle.fail(str(number), 0.0)
    assert throttle.wait_s("9", 0.0) == 0.0
    assert throttle.wait_s("10", 0.0) > 0.0
