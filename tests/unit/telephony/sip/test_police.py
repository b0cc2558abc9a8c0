"""How many datagrams of strangers are read."""

from engine.telephony.sip.police import MOST_OF_ALL, MOST_OF_ONE, Police

TRUNK, PHONE = ("192.0.2.10", 5060), ("198.51.100.7", 33_000)
INVITE, ANSWER = b"INVITE sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"


def read(police: Police, count: int, octets: bytes = INVITE, host: str = "203.0.113.1") -> int:
    """Return how many of some datagrams are read."""
    return sum(police.admits(octets, (host, 1000 + each), 0.5) for each in range(count))


def make() -> Police:
    police = Police(lambda source: source == PHONE or source[0] == TRUNK[0])
    assert police.admits(INVITE, ("192.0.2.99", 1), 0.0)
    return police


def test_one_stranger_and_all_together_have_their_limits() -> None:
    police = make()
    assert read(police, 5000) == MOST_OF_ONE
    assert sum(read(police, 10, host=f"203.0.{each}.2") for each in range(250)) == (
        MOST_OF_ALL - MOST_OF_ONE - 1
    )
    assert police.dropped == 5000 + 2500 - (MOST_OF_ALL - 1)


def test_the_next_second_begins_anew_and_so_does_a_clock_set_back() -> None:
    police = make()
    read(police, 5000)
    assert police.admits(INVITE, ("203.0.113.1", 1), 1.0)
    assert police.admits(INVITE, ("203.0.113.1", 1), -60.0)


def test_trunks_phones_and_responses_are_never_held_back() -> None:
    police = make()
    read(police, 5000)
    assert read(police, 5000, host=TRUNK[0]) == 5000
    assert all(police.admits(INVITE, PHONE, 0.5) for _ in range(5000))
    assert read(police, 5000, ANSWER) == 5000


def test_a_busy_trunk_takes_nothing_from_strangers() -> None:
    police = make()
    for _ in range(10 * MOST_OF_ALL):
        assert police.admits(INVITE, TRUNK, 0.5)
    assert read(police, 10) == 10


def test_a_stranger_behind_a_phones_address_is_still_one() -> None:
    police = make()
    read(police, 5000, host=PHONE[0])
    assert police.admits(INVITE, PHONE, 0.5)
    assert read(police, 5000, host=PHONE[0]) <= MOST_OF_ONE


def test_what_is_remembered_is_bounded() -> None:
    police = make()
    for each in range(100_000):
        police.admits(INVITE, (f"203.{each >> 16}.{each >> 8 & 255}.{each & 255}", 1), 0.5)
    assert len(police._counts) <= MOST_OF_ALL
    assert not police._known
