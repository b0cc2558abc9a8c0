"""Who may connect, and how much strangers may say then."""

from engine.telephony.sip.door import HANDSHAKES_OF_ALL, HANDSHAKES_OF_ONE, Door
from engine.telephony.sip.police import MOST_OF_ALL, MOST_OF_ONE

TRUNK, OFFICE, STRANGER = "192.0.2.10", "198.51.100.7", "203.0.113.1"
PHONE = (OFFICE, 33_000)


def make(most: int = 100_000, most_per_source: int = 100_000) -> Door:
    return Door(
        lambda there: there.host == TRUNK or there[:2] == PHONE,
        (TRUNK, OFFICE).__contains__,
        most=most,
        most_per_source=most_per_source,
    )


def let_in(
    door: Door, count: int, host: str = STRANGER, *, secure: bool, now_s: float = 0.5
) -> int:
    """Let peers come and go; return how many came in."""
    entered = 0
    for port in range(count):
        if not door.refuse((host, port), now_s, secure=secure):
            entered += 1
            door.leave(host)
    return entered


def heard(door: Door, count: int, source: tuple[str, int], now_s: float = 0.5) -> int:
    return sum(door.hears(source, now_s) for _ in range(count))


def test_who_is_inside_counts_until_he_leaves() -> None:
    door = make(most=3, most_per_source=2)
    assert [door.refuse((STRANGER, port), 0.0, secure=False) for port in range(3)] == [
        "",
        "",
        "connections-refused",
    ]
    assert not door.refuse((TRUNK, 1), 0.0, secure=False)
    assert door.refuse((OFFICE, 1), 0.0, secure=False) == "connections-refused"
    door.leave(STRANGER)
    assert not door.refuse((STRANGER, 9), 0.0, secure=False)


def test_handshakes_of_strangers_are_limited_and_plain_connections_are_not() -> None:
    door = make()
    assert let_in(door, 1000, secure=True) == HANDSHAKES_OF_ONE
    assert door.refuse((STRANGER, 1), 0.5, secure=True) == "handshakes-refused"
    assert let_in(door, 1000, secure=False) == 1000
    others = sum(let_in(door, 10, f"203.0.{each}.2", secure=True) for each in range(100))
    assert others == HANDSHAKES_OF_ALL - HANDSHAKES_OF_ONE
    assert let_in(door, 1000, secure=True, now_s=1.5) == HANDSHAKES_OF_ONE


def test_trunks_and_the_hosts_of_phones_shake_hands_as_often_as_they_like() -> None:
    door = make()
    assert let_in(door, 1000, secure=True) == HANDSHAKES_OF_ONE
    for host in (TRUNK, OFFICE):
        assert let_in(door, 1000, host, secure=True) == 1000


def test_a_stranger_is_heard_so_often_over_however_many_connections() -> None:
    door = make()
    assert sum(heard(door, 10, (STRANGER, port)) for port in range(100)) == MOST_OF_ONE
    others = sum(heard(door, 10, (f"203.0.{each}.2", 1)) for each in range(200))
    assert others == MOST_OF_ALL - MOST_OF_ONE
    assert heard(door, 10, (STRANGER, 1), now_s=1.5) == 10


def test_trunks_and_registered_phones_are_always_heard_and_their_neighbours_are_strangers() -> None:
    door = make()
    assert heard(door, 5000, (STRANGER, 1)) == MOST_OF_ONE
    assert heard(door, 5000, (TRUNK, 1)) == 5000
    assert heard(door, 5000, PHONE) == 5000
    assert heard(door, 5000, (OFFICE, 1)) <= MOST_OF_ONE
