"""Downloads: what is there is kept if it fits, and nothing is made of a refusal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from clients.cli import recording
from clients.errors import PacelineError
from gateway.pb.paceline.v1 import recordings_pb2 as pb

WHOLE = bytes(range(256)) * 20
PIECE = 2_048


class Server:
    """A client of a server with one recording, of which it sends pieces from an octet on."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.recordings = self

    async def download(
        self, name: str, *, offset: int
    ) -> AsyncIterator[pb.DownloadRecordingResponse]:
        """Yield the pieces."""
        if name != "talk":
            raise PacelineError("unknown-recording", name, "")
        self.offsets.append(offset)
        kind = "audio/flac"
        while kind or offset < len(WHOLE):
            content = WHOLE[offset : offset + PIECE]
            yield pb.DownloadRecordingResponse(content=content, content_type=kind)
            offset, kind = offset + len(content), ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the server that commands talk to."""
    server = Server()

    def talk(_: str, work: Any) -> None:
        try:
            asyncio.run(work(server))
        except PacelineError as error:
            raise typer.Exit(1) from error

    monkeypatch.setattr(recording, "talk", talk)
    return server


def download(name: str, to: Path) -> int:
    return CliRunner().invoke(recording.app, ["download", name, str(to)]).exit_code


@pytest.mark.parametrize("have", [0, 1, 700, 1_500, 3_000, len(WHOLE)])
def test_a_cut_download_goes_on(server: Server, tmp_path: Path, have: int) -> None:
    to = tmp_path / "call.flac"
    to.write_bytes(WHOLE[:have])
    assert download("talk", to) == 0
    assert to.read_bytes() == WHOLE
    assert server.offsets == [max(0, have - 1_024)]


def test_a_file_of_something_else_is_left_alone(server: Server, tmp_path: Path) -> None:
    to = tmp_path / "call.flac"
    to.write_bytes(b"RIFF" * 400)
    assert download("talk", to) == 1
    assert to.read_bytes() == b"RIFF" * 400
    assert server.offsets == [1_600 - 1_024]


def test_a_refusal_makes_no_file(server: Server, tmp_path: Path) -> None:
    assert download("nothing", tmp_path / "call.flac") == 1
    assert not list(tmp_path.iterdir())
    assert not server.offsets
