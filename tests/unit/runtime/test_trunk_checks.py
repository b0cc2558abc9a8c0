"""Which trunks are refused, and how campaigns name groups of them."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from engine.domain.e164 import E164
from engine.domain.ids import CampaignId, TrunkId
from engine.domain.refusals import DialerError
from engine.domain.specs import AnySpec, CampaignSpec, Need, Transport, TrunkKind, TrunkSpec
from engine.runtime import trunk_checks
from engine.runtime.checks import check_delete, check_spec
from engine.runtime.resources import Resources, id_of

TLS = Transport.TLS


def trunk(trunk_id: str = "north", **values: Any) -> TrunkSpec:
    return TrunkSpec(trunk_id=TrunkId(trunk_id), address="192.0.2.1", **values)


def campaign(*trunks: str) -> CampaignSpec:
    return CampaignSpec(
        campaign_id=CampaignId("spring"),
        trunks=tuple(map(TrunkId, trunks)),
        caller_id=E164("+14155550100"),
    )


def kept(*specs: AnySpec) -> Resources:
    stored = []
    for spec in specs:
        kind = "trunk" if isinstance(spec, TrunkSpec) else "campaign"
        stored.append((kind, id_of(kind, spec), msgspec.msgpack.encode(spec)))
    return Resources(stored, lambda _facts, _done: None, lambda *_: None, lambda: 0.0)


EMPTY = kept()

REFUSED = [
    pytest.param({"weight": 0}, "out-of-range", id="no weight"),
    pytest.param({"weight": 1_001}, "out-of-range", id="too much weight"),
    pytest.param({"priority": 0}, "out-of-range", id="priority below 1"),
    pytest.param({"priority": 101}, "out-of-range", id="priority above 100"),
    pytest.param({"session_s": 89.0}, "out-of-range", id="session below 90 s"),
    pytest.param({"session_s": -1.0}, "out-of-range", id="session below 0"),
    pytest.param({"register_s": -1.0}, "out-of-range", id="registration below 0"),
    pytest.param({"register_s": 60.0}, "no-username", id="nobody to register"),
    pytest.param({"domain": "a.example\r\nX: y"}, "invalid-domain", id="another header"),
    pytest.param({"domain": "user@a.example"}, "invalid-domain", id="a user"),
    pytest.param({"domain": "a.example;transport=tls"}, "invalid-domain", id="a parameter"),
    pytest.param({"domain": "a.example:0"}, "invalid-domain", id="no port"),
    pytest.param({"options_s": float("nan")}, "out-of-range", id="no number"),
    pytest.param({"calls_per_s": float("nan")}, "out-of-range", id="no rate"),
    pytest.param({"srtp": Need.REQUIRED}, "needs-tls", id="srtp over UDP"),
    pytest.param({"srtp": Need.OFFERED, "transport": Transport.TCP}, "needs-tls", id="over TCP"),
    pytest.param({"tls_ca": "/ca.pem"}, "needs-tls", id="authorities without TLS"),
    pytest.param({"tls_name": "sip.example"}, "needs-tls", id="name without TLS"),
    pytest.param({"transport": TLS, "tls_key": "/k"}, "incomplete-tls", id="key alone"),
    pytest.param({"transport": TLS, "tls_certificate": "/c"}, "incomplete-tls", id="no key"),
    pytest.param({"kind": TrunkKind.PYVOIP}, "no-username", id="pyvoip without a user"),
    pytest.param(
        {"kind": TrunkKind.PYVOIP, "username": "u", "transport": TLS}, "needs-udp", id="pyvoip, TLS"
    ),
    pytest.param({"group": "north"}, "group-like-trunk", id="group called like itself"),
]


@pytest.mark.parametrize(("values", "slug"), REFUSED)
def test_what_does_not_fit_is_refused(values: dict[str, Any], slug: str) -> None:
    with pytest.raises(DialerError) as refused:
        check_spec(trunk(**values), EMPTY)
    assert refused.value.slug == slug
    assert "trunks/north" in refused.value.message


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"session_s": 0.0}, id="no session timer"),
        pytest.param({"domain": "a.example:5070"}, id="domain with port"),
        pytest.param({"domain": "[2001:db8::1]"}, id="domain of IPv6"),
        pytest.param({"register_s": 60.0, "username": "u"}, id="registration"),
        pytest.param({"session_s": 90.0}, id="shortest session"),
        pytest.param({"transport": TLS, "srtp": Need.REQUIRED, "tls_ca": "/ca.pem"}, id="srtp"),
        pytest.param({"transport": TLS, "tls_certificate": "/c", "tls_key": "/k"}, id="mutual TLS"),
        pytest.param({"group": "west", "priority": 100, "weight": 1_000}, id="group"),
    ],
)
def test_what_fits_is_taken(values: dict[str, Any]) -> None:
    check_spec(trunk(**values), EMPTY)


@pytest.mark.parametrize("address", ["no such host", "a:b:c", "a.example:99999", "sip:a.example"])
def test_an_address_is_a_host_and_maybe_a_port(address: str) -> None:
    spec = TrunkSpec(trunk_id=TrunkId("north"), address=address)
    with pytest.raises(DialerError) as refused:
        check_spec(spec, EMPTY)
    assert refused.value.slug == "invalid-address"


def test_pyvoip_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = trunk(kind=TrunkKind.PYVOIP, username="u")
    monkeypatch.setattr(trunk_checks, "find_spec", lambda _name: object())
    check_spec(spec, EMPTY)
    monkeypatch.setattr(trunk_checks, "find_spec", lambda _name: None)
    with pytest.raises(DialerError) as refused:
        check_spec(spec, EMPTY)
    assert refused.value.slug == "missing-extra"


# --- groups -------------------------------------------------------------------------------------

WEST = (trunk("a", group="west"), trunk("b", group="west"))


@pytest.mark.parametrize(
    ("new", "slug"),
    [
        pytest.param(trunk("west"), "trunk-like-group", id="trunk called like a group"),
        pytest.param(trunk("c", group="a"), "group-like-trunk", id="group called like a trunk"),
    ],
)
def test_no_name_is_trunk_and_group(new: TrunkSpec, slug: str) -> None:
    with pytest.raises(DialerError) as refused:
        check_spec(new, kept(*WEST))
    assert refused.value.slug == slug


def test_a_campaign_names_trunks_and_groups() -> None:
    resources = kept(*WEST, trunk("c"))
    check_spec(campaign("west", "c", "a"), resources)
    with pytest.raises(DialerError) as refused:
        check_spec(campaign("west", "east"), resources)
    assert refused.value.slug == "unknown-trunk"


def test_a_group_that_lost_its_trunks_may_stay_in_the_campaign_that_named_it() -> None:
    resources = kept(trunk("c"), campaign("west"))
    check_spec(campaign("west", "c"), resources)


@pytest.mark.parametrize(
    ("trunks", "slug"),
    [
        pytest.param(WEST, "", id="another is left"),
        pytest.param(WEST[:1], "in-use", id="the last one"),
        pytest.param((trunk("a", group="east"),), "", id="of a group that nobody names"),
    ],
)
def test_the_last_trunk_of_a_group_in_use_is_not_deleted(
    trunks: Sequence[TrunkSpec], slug: str
) -> None:
    resources = kept(*trunks, campaign("west"))
    if not slug:
        check_delete("trunk", "a", resources)
        return
    with pytest.raises(DialerError) as refused:
        check_delete("trunk", "a", resources)
    assert refused.value.slug == slug
