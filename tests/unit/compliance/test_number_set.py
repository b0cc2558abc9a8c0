"""The set of numbers behaves as a set, small or merged, one by one or many at once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import number_set
from engine.domain.number_set import NumberSet

NUMBERS = st.integers(0, 40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NUMBERS),
        st.tuples(st.just("remove"), NUMBERS),
        st.tuples(st.just("extend"), st.lists(NUMBERS, max_size=12)),
        st.tuples(st.just("merge"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(start=st.lists(NUMBERS), steps=STEPS)
def test_it_is_a_set(start: list[int], steps: list[tuple[str, int | list[int]]]) -> None:
    numbers, model = NumberSet(start), set(start)
    for name, value in steps:
        match name, value:
            case "add", int(number):
                assert numbers.add(number) == (number not in model)
                model.add(number)
            case "remove", int(number):
                assert numbers.remove(number) == (number in model)
                model.discard(number)
            case "extend", list(several):
                numbers.extend(np.array(several, np.uint64))
                model.update(several)
            case _:
                numbers.extend(np.full(number_set.SMALL, 7, np.uint64))
                model.add(7)
        assert len(numbers) == len(model)
    every = np.arange(41, dtype=np.uint64)
    assert numbers.contains_each(every).tolist() == [n in model for n in range(41)]
    assert [n in numbers for n in range(41)] == [n in model for n in range(41)]


def test_many_single_changes_are_merged_now_and_then() -> None:
    numbers = NumberSet()
    for number in range(3 * number_set.SMALL):
        assert numbers.add(number)
    for number in range(0, 3 * number_set.SMALL, 2):
        assert numbers.remove(number)
    assert len(numbers) == 3 * number_set.SMALL // 2
    assert 1 in numbers
    assert 2 not in numbers
