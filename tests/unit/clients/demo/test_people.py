"""What called people do."""

from collections import Counter

from clients.demo.people import Habits, Kind, People


def test_the_same_seed_gives_the_same_fates() -> None:
    fates = [[People(Habits(), seed).fate() for _ in range(1)] for seed in (1, 1, 2)]
    assert fates[0] == fates[1] != fates[2]


def test_shares_are_as_asked() -> None:
    people = People(Habits(answer_ratio=0.4), 3)
    counts = Counter(people.fate().kind for _ in range(5_000))
    assert 0.37 < counts[Kind.ANSWERS] / 5_000 < 0.43
    assert set(counts) == set(Kind)


def test_times_are_within_their_bounds() -> None:
    people = People(Habits(answer_ratio=1.0, ring_s=(2.0, 3.0), talk_s=(5.0, 6.0)), 3)
    for fate in (people.fate() for _ in range(200)):
        assert 2.0 <= fate.ring_s <= 3.0
        assert 5.0 <= fate.talk_s <= 6.0
