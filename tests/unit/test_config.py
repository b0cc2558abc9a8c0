"""Settings: read from a file, replaced by single values, refused by name when they are wrong."""

from pathlib import Path

import pytest

from engine.config import EngineSettings, load_settings
from engine.domain.refusals import InvalidRequestError


def test_no_file_gives_the_defaults() -> None:
    assert load_settings(None) == EngineSettings()
    assert str(EngineSettings().zone_info) == "UTC"


def test_a_file_is_read_and_single_values_replace_it(tmp_path: Path) -> None:
    path = tmp_path / "paceline.toml"
    path.write_text('zone = "Europe/Berlin"\nseed = 7\n[sip]\nport = 0\n', encoding="utf-8")
    settings = load_settings(path, seed=9)
    assert (settings.zone, settings.seed, settings.sip.port) == ("Europe/Berlin", 9, 0)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("colour = 1", "colour", id="unknown key"),
        pytest.param("[sip]\nprot = 1", "sip.prot", id="unknown key in a section"),
        pytest.param('zone = "Mars/Base"', "IANA", id="unknown zone"),
        pytest.param("[sip]\nport = 70000", "sip.port", id="out of range"),
        pytest.param('cell = "A 1"', "cell", id="malformed"),
        pytest.param("zone = ", "Invalid value", id="no TOML"),
        pytest.param("[sip]\ntls_port = 0", "needs tls_certificate", id="TLS without certificate"),
        pytest.param('[sip]\ntls_client_ca = "a"', "needs tls_port", id="peers, but no TLS"),
        pytest.param('[sip]\nname_server = "dns.test"', "name_server", id="a name as name server"),
        pytest.param('[sip]\nname_server = "192.0.2.1:x"', "ADDRESS:PORT", id="its port"),
        pytest.param('[sip]\nadvertised_host = "sip.test"', "advertised_host", id="a name shown"),
        pytest.param('[sip]\nadvertised_host = "0.0.0.0"', "send to", id="nowhere shown"),
        pytest.param('[sip]\nmedia_advertised_host = "::1"', "send to", id="IPv6 in SDP"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "paceline.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError) as refused:
        load_settings(path)
    assert refused.value.slug == "invalid-config"
    assert names in refused.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml")
