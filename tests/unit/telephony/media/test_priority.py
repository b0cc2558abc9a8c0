"""What the media process does when more or less priority is allowed."""

import os

import pytest

from engine.telephony.media.priority import NICENESS, REALTIME_PRIORITY, hurry


class System:
    """A machine that allows some of it."""

    def __init__(
        self, patch: pytest.MonkeyPatch, cores: int, *, realtime: bool, nice: bool
    ) -> None:
        self._realtime, self._nice = realtime, nice
        self.asked: list[tuple[str, int]] = []
        patch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
        patch.setattr(os, "sched_setscheduler", self._schedule)
        patch.setattr(os, "nice", self._lower)

    def _schedule(self, pid: int, policy: int, param: os.sched_param) -> None:
        assert pid == 0
        assert policy == os.SCHED_RR | os.SCHED_RESET_ON_FORK
        self.asked.append(("realtime", param.sched_priority))
        if not self._realtime:
            raise PermissionError

    def _lower(self, by: int) -> int:
        self.asked.append(("nice", by))
        if not self._nice:
            raise PermissionError
        return by


def test_real_time_is_taken_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, 2, realtime=True, nice=True)
    assert hurry() == "realtime"
    assert system.asked == [("realtime", REALTIME_PRIORITY)]


def test_a_machine_of_one_core_keeps_time_for_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, 1, realtime=True, nice=True)
    assert hurry() == "nice"
    assert system.asked == [("nice", NICENESS)]


def test_who_may_not_is_content_with_less(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hurry_on(monkeypatch, nice=True) == "nice"
    assert hurry_on(monkeypatch, nice=False) == "usual"


def hurry_on(patch: pytest.MonkeyPatch, *, nice: bool) -> str:
    System(patch, 4, realtime=False, nice=nice)
    return hurry()
