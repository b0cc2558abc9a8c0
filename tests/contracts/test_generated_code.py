"""The committed Python of the API is what the .proto files say."""

import subprocess
import sys

import pytest

from gateway import generate


def test_committed_code_equals_a_fresh_generation() -> None:
    assert generate.stale() == []


def test_check_names_a_file_that_was_changed_by_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    committed = generate.contents(generate.GENERATED)
    touched = committed | {"paceline/v1/dnc_pb2.py": "# changed\n"}
    real = generate.contents
    monkeypatch.setattr(
        generate,
        "contents",
        lambda folder: touched if folder == generate.GENERATED else real(folder),
    )
    assert generate.main(["--check"]) == 1
    assert "gateway/pb/paceline/v1/dnc_pb2.py" in capsys.readouterr().out


def test_generated_code_claims_no_top_level_name_and_needs_no_engine() -> None:
    code = "import gateway.pb.paceline.v1.campaigns_pb2, sys; print(*sorted(sys.modules))"
    ran = subprocess.run(  # its own process: this one may have imported anything
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
        cwd=generate.ROOT,
    )
    assert not {"paceline", "buf"} & set(ran.stdout.split())
    assert "engine" not in ran.stdout.split(), "clients would drag the engine along"


@pytest.mark.parametrize(
    ("line", "rewritten"),
    [
        pytest.param(
            "from paceline.v1 import a_pb2 as x",
            "from gateway.pb.paceline.v1 import a_pb2 as x",
            id="from our package",
        ),
        pytest.param(
            "from buf.validate import validate_pb2",
            "from gateway.pb.buf.validate import validate_pb2",
            id="from the rules",
        ),
        pytest.param(
            "from google.protobuf import message",
            "from google.protobuf import message",
            id="from Google's, left alone",
        ),
        pytest.param("import bufferer", "import bufferer", id="a longer name, left alone"),
    ],
)
def test_imports_move_under_the_gateway(line: str, rewritten: str) -> None:
    assert generate.rewrite(line) == rewritten
