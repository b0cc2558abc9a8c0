"""Who a call is from."""

from typing import Any, cast

import pytest

from engine.domain.refusals import InvalidRequestError
from gateway.identity import caller_of, principal_of


class ContextDouble:
    def __init__(self, peer: str, *said: str | bytes, proven: bytes | None = None) -> None:
        self._peer = peer
        self._said = said
        self._proven = proven

    def peer(self) -> str:
        return self._peer

    def auth_context(self) -> dict[str, list[bytes]]:
        return {} if self._proven is None else {"x509_common_name": [self._proven]}

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return (("user-agent", "x"), *(("x-paceline-user", each) for each in self._said))


def who(peer: str, *said: str | bytes, proven: bytes | None = None) -> str:
    return caller_of(cast("Any", ContextDouble(peer, *said, proven=proven)))


@pytest.mark.parametrize(
    "peer", ["ipv4:127.0.0.1:40000", "ipv6:[::1]:40000", "ipv6:%5B::1%5D:40000", "unix:/run/p.sock"]
)
def test_a_caller_on_this_machine_says_who_it_is(peer: str) -> None:
    assert who(peer, "eve.smith@night+1") == "eve.smith@night+1"
    assert who(peer) == "operator"


@pytest.mark.parametrize("peer", ["ipv4:192.0.2.7:40000", "ipv6:[2001:db8::1]:1", "fd:7", ""])
def test_a_caller_from_elsewhere_may_say_what_it_likes(peer: str) -> None:
    assert who(peer, "eve") == "operator"
    assert who(peer, "\r\n") == "operator"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((b"",), id="octets"),
        pytest.param(("",), id="nothing"),
        pytest.param(("a" * 65,), id="too long"),
        pytest.param(("a b",), id="a space"),
        pytest.param(("agent:ann",), id="an agent"),
        pytest.param(("schedule",), id="the schedule"),
        pytest.param(("eve", "eve"), id="twice"),
        pytest.param(("é",), id="no ASCII"),
    ],
)
def test_what_could_not_stand_in_the_log_is_refused(said: tuple[str | bytes, ...]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        who("ipv4:127.0.0.1:1", *said)
    assert refused.value.slug == "invalid-user"


def test_a_proven_name_goes_before_a_said_one() -> None:
    assert who("ipv4:127.0.0.1:1", "eve", proven=b"reports-01") == "reports-01"
    assert who("ipv4:192.0.2.7:1", proven=b"reports-01") == "reports-01"
    assert who("ipv4:192.0.2.7:1", proven=b"\xff engine") == "operator"


def rights_of(peer: str, *said: str, proven: bytes | None = None) -> str:
    return principal_of(cast("Any", ContextDouble(peer, *said, proven=proven)))


@pytest.mark.parametrize(
    ("peer", "said", "proven", "who"),
    [
        pytest.param("ipv4:192.0.2.7:1", (), b"sue", "sue", id="proven"),
        pytest.param("ipv4:127.0.0.1:1", ("eve",), b"sue", "sue", id="proven, and said otherwise"),
        pytest.param("ipv4:127.0.0.1:1", ("eve",), b"", "", id="a certificate without a name"),
        pytest.param("ipv4:127.0.0.1:1", ("eve",), b"a b", "", id="no name for a log"),
        pytest.param("ipv4:127.0.0.1:1", (), b"engine", "", id="a name of ours"),
        pytest.param("ipv4:127.0.0.1:1", ("eve",), None, "eve", id="said on this machine"),
        pytest.param("ipv4:127.0.0.1:1", (), None, "operator", id="from this machine"),
        pytest.param("ipv4:192.0.2.7:1", ("eve",), None, "", id="said elsewhere"),
        pytest.param("ipv4:192.0.2.7:1", (), None, "", id="from elsewhere"),
    ],
)
def test_rights_are_of_who_is_proven_or_here(
    peer: str, said: tuple[str, ...], proven: bytes | None, who: str
) -> None:
    assert rights_of(peer, *said, proven=proven) == who
