"""Who calls: the name that facts and logs keep of whoever gave a command.

A client certificate proves its name. Without one, callers on this very machine may say theirs in
the metadata; others stay the operator, since they could say anything. Where settings give users
rights of their own, a caller from elsewhere without a proven name is nobody.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from engine.domain.refusals import InvalidRequestError

if TYPE_CHECKING:
    from gateway.interceptors import Context

USER_KEY = "x-paceline-user"
"""Metadata in which a caller on this machine says who it is."""
OPERATOR = "operator"
"""Who acts if nobody says."""
_OURS = frozenset({"engine", "schedule"})
"""Names under which the engine itself acts in the log."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", re.ASCII)
_CERTIFICATE = "x509_"
_PROVEN = "x509_common_name"


def caller_of(context: Context) -> str:
    """Return who calls.

    Raises:
        InvalidRequestError: The caller names itself by what could not stand in the log.
    """
    proven = next(iter((context.auth_context() or {}).get(_PROVEN, ())), b"")
    if proven:
        name = proven.decode("utf-8", "replace")
        return name if _NAME.fullmatch(name) and name not in _OURS else OPERATOR
    said = [value for key, value in context.invocation_metadata() or () if key == USER_KEY]
    if not said or not _is_here(context.peer()):
        return OPERATOR
    return _checked(said)


def principal_of(context: Context) -> str:
    """Return whose rights count: who calls, but empty where that is neither proven nor from here.

    Raises:
        InvalidRequestError: As for ``caller_of``.
    """
    shown = context.auth_context() or {}
    if any(key.startswith(_CERTIFICATE) for key in shown):
        name = next(iter(shown.get(_PROVEN, ())), b"").decode("utf-8", "replace")
        return name if _NAME.fullmatch(name) and name not in _OURS else ""
    return caller_of(context) if _is_here(context.peer()) else ""


def _checked(said: list[str | bytes]) -> str:
    (name, *others) = (each if isinstance(each, str) else "" for each in said)
    if others or not _NAME.fullmatch(name) or name in _OURS:
        raise InvalidRequestError(
            f"{USER_KEY} must be one name of 1 to 64 letters, digits and . _ @ + -, and none of "
            f"{', '.join(sorted(_OURS))}",
            slug="invalid-user",
        )
    return name


def _is_here(peer: str) -> bool:
    """Say whether a peer, as gRPC writes it (``ipv4:127.0.0.1:40000``), is on this machine."""
    kind, _, rest = peer.partition(":")
    if kind == "unix":
        return True
    host = rest.replace("%5B", "[").replace("%5D", "]").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
