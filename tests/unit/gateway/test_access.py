"""Rights by name: what is granted, what is refused, and to which campaigns."""

import contextvars

import pytest

from engine.config import AccessSettings, UserSettings
from engine.domain.refusals import InvalidRequestError
from gateway.access import EVERYTHING, EveryoneMay, Scope, UserTable, admit, policy_of, scope_of
from gateway.permissions import METHODS, PERMISSIONS, SCOPED
from gateway.status import Refused

USERS = {
    "boss": UserSettings(),
    "sue": UserSettings(permissions=("recordings.*",), campaigns=("spring",)),
    "reader": UserSettings(permissions=("recordings.view", "events.view")),
    "limited": UserSettings(campaigns=("spring",)),
    "nothing": UserSettings(campaigns=()),
}
LIST = "/paceline.v1.RecordingService/ListRecordings"
WATCH = "/paceline.v1.EventService/WatchEvents"


def test_without_users_everyone_may_do_everything() -> None:
    policy = policy_of(AccessSettings())
    assert isinstance(policy, EveryoneMay)
    assert {policy.judge(permission, "") for permission in METHODS} == {EVERYTHING}


@pytest.mark.parametrize("permission", sorted(METHODS))
def test_with_users_each_has_what_is_said_and_no_more(permission: str) -> None:
    policy = policy_of(AccessSettings(users=USERS))
    granted = {
        name for name in (*USERS, "eve", "operator", "")
        if not isinstance(policy.judge(permission, name), Refused)
    }  # fmt: skip
    wanted = {"boss", "limited", "nothing"}
    wanted |= {"sue"} if permission.startswith("recordings.") else set()
    wanted |= {"reader"} if permission in ("recordings.view", "events.view") else set()
    assert granted == wanted


def test_a_permission_that_is_none_stops_the_start() -> None:
    with pytest.raises(InvalidRequestError, match=r"access\.users\.sue: 'recordings\.hear'"):
        UserTable({"sue": UserSettings(permissions=("recordings.hear",))})


@pytest.mark.parametrize("method", sorted(PERMISSIONS))
@pytest.mark.parametrize("name", ["limited", "nothing"])
def test_who_is_limited_to_campaigns_reaches_what_honours_that_alone(
    method: str, name: str
) -> None:
    refused = contextvars.Context().run(admit, UserTable(USERS), method, name)
    assert (refused is None) == (method in SCOPED)
    assert refused is None or refused.reason == "campaigns-limited"


def test_a_call_runs_in_the_scope_of_its_caller() -> None:
    def scope(name: str) -> Scope:
        assert admit(UserTable(USERS), LIST, name) is None
        return scope_of()

    assert contextvars.Context().run(scope, "boss") == EVERYTHING
    assert contextvars.Context().run(scope, "sue") == Scope(frozenset({"spring"}))
    assert contextvars.Context().run(scope, "nothing") == Scope(frozenset())


def test_without_the_edge_there_is_no_scope() -> None:
    with pytest.raises(LookupError):
        contextvars.Context().run(scope_of)


def test_a_method_without_a_permission_is_closed() -> None:
    refused = admit(EveryoneMay(), "/paceline.v1.EventService/Other", "boss")
    assert refused is not None
    assert refused.reason == "no-permission"


def test_rights_come_from_settings_as_they_are_written() -> None:
    raw = {"users": {"sue": {"permissions": ["recordings.view"], "campaigns": ["spring"]}}}
    policy = policy_of(AccessSettings.model_validate(raw))
    assert policy.judge("recordings.view", "sue") == Scope(frozenset({"spring"}))
    assert isinstance(policy.judge("recordings.listen", "sue"), Refused)
    assert admit(policy, WATCH, "sue") is not None
