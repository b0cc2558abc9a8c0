"""Who may do what, and to which campaigns: the policy, and the scope that a call runs in.

The interceptor asks the policy once a call. What it grants beyond the method, the scope, is there
for the service while the call lasts (``scope_of``). A caller limited to campaigns reaches only the
methods that honour the limit (``permissions.SCOPED``): all others are closed to it, so a method
that knows nothing of campaigns can tell it nothing.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

import grpc

from engine.config import AccessSettings, UserSettings
from engine.domain.refusals import InvalidRequestError
from gateway.permissions import METHODS, PERMISSIONS, SCOPED
from gateway.status import Refused


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may reach.

    Attributes:
        campaigns: Ids of the campaigns; None: all.
    """

    campaigns: frozenset[str] | None = None

    def covers(self, campaign_id: str | None) -> bool:
        """Say whether what is of a campaign may be reached; what is of none, only without limit."""
        return self.campaigns is None or campaign_id in self.campaigns


EVERYTHING = Scope()

_scope: ContextVar[Scope] = ContextVar("scope")


def scope_of() -> Scope:
    """Return what the caller of the call that is carried out may reach.

    Raises:
        LookupError: It did not come through the interceptor.
    """
    return _scope.get()


class Policy(Protocol):
    """Says who may do what."""

    def judge(self, permission: str, caller: str) -> Scope | Refused:
        """Return what a call may reach, or the refusal.

        Args:
            permission: What the method needs.
            caller: Whose rights count (``identity.principal_of``); empty: nobody's.
        """
        ...


class EveryoneMay:
    """The policy of a listener that only this machine, or a proven client, can reach."""

    def judge(self, permission: str, caller: str) -> Scope | Refused:
        """Return everything."""
        del permission, caller
        return EVERYTHING


class UserTable:
    """The policy of settings that name users; who is not named may do nothing.

    Args:
        users: Rights by name.

    Raises:
        InvalidRequestError: A permission is none.
    """

    def __init__(self, users: Mapping[str, UserSettings]) -> None:
        self._permissions = {name: _matching(name, user) for name, user in users.items()}
        self._scopes = {
            name: Scope(None if user.campaigns is None else frozenset(user.campaigns))
            for name, user in users.items()
        }

    def judge(self, permission: str, caller: str) -> Scope | Refused:
        """Return what the caller may reach, or the refusal."""
        if permission in self._permissions.get(caller, ()):
            return self._scopes[caller]
        who = f"user {caller}" if caller else "a caller whose name is not proven"
        return _refused("not-permitted", f"{who} has not the permission {permission}")


def policy_of(settings: AccessSettings) -> Policy:
    """Return the policy that settings ask for.

    Raises:
        InvalidRequestError: A permission is none.
    """
    return UserTable(settings.users) if settings.users else EveryoneMay()


def admit(policy: Policy, method: str, caller: str) -> Refused | None:
    """Set the scope of the call that begins, or return why it may not be made.

    Args:
        policy: Asked.
        method: Full name of the method.
        caller: Whose rights count.
    """
    permission = PERMISSIONS.get(method)
    if permission is None:
        return _refused("no-permission", f"{method} has no permission that could open it")
    judged = policy.judge(permission, caller)
    if isinstance(judged, Refused):
        return judged
    if judged.campaigns is not None and method not in SCOPED:
        return _refused(
            "campaigns-limited", f"user {caller} is limited to campaigns, and {method} is not"
        )
    _scope.set(judged)
    return None


def _refused(slug: str, message: str) -> Refused:
    return Refused(grpc.StatusCode.PERMISSION_DENIED, slug, message)


def _matching(name: str, user: UserSettings) -> frozenset[str]:
    found: set[str] = set()
    for pattern in user.permissions:
        matching = {permission for permission in METHODS if fnmatchcase(permission, pattern)}
        if not matching:
            known = ", ".join(sorted(METHODS))
            raise InvalidRequestError(
                f"access.users.{name}: {pattern!r} is no permission; there are {known}",
                slug="invalid-config",
            )
        found |= matching
    return frozenset(found)
