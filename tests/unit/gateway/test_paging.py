"""Pages hold every item once, whatever comes and goes between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.refusals import InvalidRequestError
from gateway.paging import LARGEST_SIZE, decode_token, encode_token, page, row_of, size_of

ids = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


@given(st.sets(ids, max_size=40), st.integers(1, 10))
def test_pages_hold_every_item_once_in_order(names: set[str], size: int) -> None:
    items = [(name, name) for name in names]
    seen: list[str] = []
    token = ""
    while True:
        part, token = page(items, size, token)
        seen += part
        assert len(part) <= size
        if not token:
            break
    assert seen == sorted(names)


def test_a_deleted_item_does_not_hide_the_next_one() -> None:
    items = [(name, name) for name in "abcd"]
    _, token = page(items, 2, "")
    rest, _ = page([item for item in items if item[0] != "b"], 2, token)
    assert rest == ["c", "d"]


@given(st.text(max_size=50))
def test_a_token_gives_its_position_back(position: str) -> None:
    assert decode_token(encode_token(position)) == position


@pytest.mark.parametrize("token", ["!!!!", "a", "é", "_w"])
def test_a_token_of_another_make_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequestError, match="page_token"):
        decode_token(token)


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "9" * 30, "²"])
def test_a_token_without_a_row_is_refused(position: str) -> None:
    with pytest.raises(InvalidRequestError):
        row_of(encode_token(position))


def test_no_size_is_the_default_and_a_huge_one_is_cut() -> None:
    assert size_of(0) == 100
    assert size_of(10**9) == LARGEST_SIZE
    assert row_of("") == 0
    assert row_of(encode_token("41")) == 41
