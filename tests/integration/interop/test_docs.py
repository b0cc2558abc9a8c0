"""What ``docs/interop.md`` tells integrators to type is what programs take."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from clients.cli.app import app
from engine.config import load_settings
from tests.integration.interop.kamailio import has_tls

PAGE = (Path(__file__).parents[3] / "docs" / "interop.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """Return the first block of a kind."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


def test_every_option_of_a_command_exists() -> None:
    joined = re.sub(r"\\\n\s*", " ", PAGE)
    commands = re.findall(r"^    paceline (.*)$", joined, re.MULTILINE)
    assert len(commands) > 8
    root = typer.main.get_command(app)
    for text in commands:
        words, command = shlex.split(text, comments=True), root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        known = {name for option in command.params for name in option.opts}
        wanted = {word for word in words if word.startswith("--")}
        assert wanted <= known, f"{text}: {wanted - known}"


def test_the_settings_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "paceline.toml"
    path.write_text(block("toml"), encoding="utf-8")
    settings = load_settings(path)
    assert settings.sip.media_base_port + 2 * settings.sip.media_ports - 1 == 20_127


@pytest.mark.peer
def test_kamailio_takes_its_configuration(tmp_path: Path) -> None:
    program = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
    if program is None or not has_tls():
        pytest.skip("kamailio, or its TLS module, is not installed")
    path = tmp_path / "kamailio.cfg"
    path.write_text(block("kamailio").replace("192.0.2.40", "127.0.0.1"), encoding="ascii")
    done = subprocess.run([program, "-c", "-f", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
