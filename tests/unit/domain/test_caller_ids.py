"""Which number is nearest, and what a field of a record says."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.caller_ids import NearestNumbers, country_of, find_e164
from engine.domain.e164 import E164

numbers = st.sampled_from(("+1212", "+1213", "+1310", "+44207", "+4420", "+49", "+7495", "+35818"))
e164s = st.builds(
    lambda start, rest: E164((start + rest)[:16]),
    numbers,
    st.from_regex(r"[0-9]{7}", fullmatch=True),
)


def shared(one: str, other: str) -> int:
    """Return how many leading characters two numbers share, told one by one."""
    count = 0
    for own, theirs in zip(one, other, strict=False):
        if own != theirs:
            break
        count += 1
    return count


@given(st.lists(e164s, max_size=8), e164s)
def test_the_nearest_number_is_that_of_the_country_that_shares_most_digits(
    known: list[E164], called: E164
) -> None:
    local = [number for number in known if country_of(number) == country_of(called)]
    nearest = max(local, key=lambda number: shared(number, called), default=None)
    assert NearestNumbers(known).find(called) == nearest


def test_among_equals_the_first_named_is_taken() -> None:
    west, east = E164("+13105550100"), E164("+12125550100")
    assert NearestNumbers([west, east]).find(E164("+14155550000")) == west
    assert NearestNumbers([east, west]).find(E164("+14155550000")) == east


def test_every_country_code_has_its_length() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        assert country_of(E164(f"+{code}5550100")) == f"+{code}"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("+14155550100", "+14155550100", id="as it is"),
        pytest.param("+1 (415) 555-0100", "+14155550100", id="as people write"),
        pytest.param("+49.151/1234567", "+491511234567", id="other signs"),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: str) -> None:
    assert find_e164(text) == number


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("4155550100", id="national form"),
        pytest.param("+14155550100\r\nX-Evil: 1", id="a header"),
        pytest.param("+14155550100;phone-context=x", id="a parameter"),
        pytest.param('"Evil" <sip:1@x>', id="an address"),
        pytest.param("+1\u0664155550100", id="digits of another script"),
        pytest.param("+14155550100\x00", id="a NUL"),
        pytest.param("+1" + " " * 40 + "4155550100", id="too long"),
        pytest.param("+12345", id="too short"),
        pytest.param("\u202e+14155550100", id="turned direction"),
    ],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert find_e164(text) is None


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_none(text: str) -> None:
    found = find_e164(text)
    assert found is None or (found[0] == "+" and found[1:].isascii() and found[1:].isdigit())
