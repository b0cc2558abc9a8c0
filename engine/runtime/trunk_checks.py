"""What a trunk must be before it is kept: values in range, and settings that fit each other."""

from importlib.util import find_spec

from engine.domain.refusals import InvalidRequestError
from engine.domain.specs import Need, Transport, TrunkKind, TrunkSpec
from engine.runtime.resources import Resources
from engine.telephony.sip.resolver import split_address
from engine.telephony.sip.uri import parse_uri

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("priority", 1, 100),
    ("weight", 1, 1_000),
    ("register_s", 0.0, 86_400.0),
    ("options_s", 0.0, 3_600.0),
    ("session_s", 0.0, 86_400.0),
)
"""Settings of a trunk with the least and greatest value each may have."""
LEAST_SESSION_S = 90.0
"""No user agent may ask for a shorter session interval (RFC 4028 §4). [s]"""
_TLS_FIELDS = ("tls_ca", "tls_certificate", "tls_key", "tls_name")


def trunks_of_group(group: str, resources: Resources) -> list[TrunkSpec]:
    """Return the trunks of a group, in the order of their ids; none if there is no such group."""
    found = [
        spec
        for spec in resources.all("trunk")
        if isinstance(spec, TrunkSpec) and spec.group == group and group
    ]
    return sorted(found, key=lambda spec: spec.trunk_id)


def check_trunk(spec: TrunkSpec, resources: Resources) -> None:
    """Refuse a trunk that could not carry calls as it is configured.

    Raises:
        InvalidRequestError: The text says what is wrong, the slug of which kind it is.
    """
    if not spec.address:
        raise _refusal(spec, "has no address", "no-address")
    _check_hosts(spec)
    if spec.channels < 1 or not spec.calls_per_s > 0:
        raise _refusal(spec, "channels and calls_per_s must be above 0", "out-of-range")
    for name, least, most in _RANGES:
        value = getattr(spec, name)
        if not least <= value <= most:
            raise _refusal(spec, f"{name} {value} is not in {least} to {most}", "out-of-range")
    if 0 < spec.session_s < LEAST_SESSION_S:
        text = f"session_s {spec.session_s:g} is neither 0 nor at least {LEAST_SESSION_S:g}"
        raise _refusal(spec, text, "out-of-range")
    if spec.register_s > 0 and not spec.username:
        raise _refusal(spec, "register_s needs a username", "no-username")
    _check_names(spec, resources)
    _check_encryption(spec)
    _check_kind(spec)


def _check_hosts(spec: TrunkSpec) -> None:
    """Both stand in URIs of each call, so nothing else may be in them (invariant X7)."""
    for name in ("address", "domain"):
        text = getattr(spec, name)
        if text and not _is_host(text):
            raise _refusal(spec, f"{name} is neither HOST nor HOST:PORT", f"invalid-{name}")


def _is_host(text: str) -> bool:
    try:
        split_address(text)
        uri = parse_uri(f"sip:{text}")
    except ValueError:
        return False
    return not (uri.user or uri.params or uri.headers)


def _check_names(spec: TrunkSpec, resources: Resources) -> None:
    """A campaign names trunks and groups alike, so no name may be both."""
    if spec.group and (
        spec.group == spec.trunk_id or resources.find("trunk", spec.group) is not None
    ):
        text = f"its group must not be called like a trunk: {spec.group}"
        raise _refusal(spec, text, "group-like-trunk")
    if trunks_of_group(spec.trunk_id, resources):
        raise _refusal(spec, "there is a group of trunks of that name", "trunk-like-group")


def _check_encryption(spec: TrunkSpec) -> None:
    if spec.transport is Transport.TLS:
        if bool(spec.tls_certificate) != bool(spec.tls_key):
            text = "tls_certificate and tls_key come together"
            raise _refusal(spec, text, "incomplete-tls")
        return
    if spec.srtp is not Need.OFF:  # its keys would be read along (RFC 4568 §7)
        raise _refusal(spec, "srtp needs transport tls, which hides its keys", "needs-tls")
    if given := [name for name in _TLS_FIELDS if getattr(spec, name)]:
        raise _refusal(spec, f"{given[0]} needs transport tls", "needs-tls")


def _check_kind(spec: TrunkSpec) -> None:
    if spec.kind is not TrunkKind.PYVOIP:
        return
    if not spec.username:
        raise _refusal(spec, "kind pyvoip registers and needs a username", "no-username")
    if spec.transport is not Transport.UDP:
        raise _refusal(spec, "kind pyvoip speaks UDP alone", "needs-udp")
    if find_spec("pyVoIP") is None:
        text = "kind pyvoip needs the extra: pip install 'paceline[pyvoip]' on the server"
        raise _refusal(spec, text, "missing-extra")


def _refusal(spec: TrunkSpec, text: str, slug: str) -> InvalidRequestError:
    return InvalidRequestError(f"trunks/{spec.trunk_id}: {text}", slug=slug)
