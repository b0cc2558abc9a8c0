"""Makes ``gateway/pb/`` from ``proto/``, and says whether what is committed equals a fresh make.

``python -m gateway.generate`` writes; ``python -m gateway.generate --check`` only compares. Needs
the ``dev`` extra (grpcio-tools, mypy-protobuf).
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GENERATED = ROOT / "gateway" / "pb"
_IMPORTS = re.compile(r"^(\s*)(from|import) (paceline|buf)(?=[. ])", re.MULTILINE)


def rewrite(text: str) -> str:
    """Return generated Python with its imports moved under ``gateway.pb``.

    protoc imports by the path of the .proto file, which would claim the top-level names
    ``paceline`` and ``buf`` for us.
    """
    return _IMPORTS.sub(r"\1\2 gateway.pb.\3", text)


def _plugin(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed; it comes with the dev extra")
    return f"--plugin={name}={found}"


def _run_protoc(options: list[str], files: list[Path]) -> None:
    from grpc_tools import protoc

    include = Path(protoc.__file__).parent / "_proto"
    names = [str(path.relative_to(PROTO)) for path in files]
    status = protoc.main(["protoc", f"-I{PROTO}", f"-I{include}", *options, *names])
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")


def generate(into: Path) -> None:
    """Write all generated packages below a folder that is empty or missing.

    Args:
        into: The folder that stands for ``gateway/pb``.
    """
    into.mkdir(parents=True, exist_ok=True)
    files = sorted(PROTO.rglob("*.proto"))
    messages = [f"--python_out={into}", f"--mypy_out=quiet:{into}"]
    _run_protoc([_plugin("protoc-gen-mypy"), *messages], files)
    services = [path for path in files if "\nservice " in path.read_text(encoding="utf-8")]
    stubs = [f"--grpc_python_out={into}", f"--mypy_grpc_out=quiet,only_async:{into}"]
    _run_protoc([_plugin("protoc-gen-mypy_grpc"), *stubs], services)
    for path in into.rglob("*.py*"):
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    for folder in {into, *(path for path in into.rglob("*") if path.is_dir())}:
        (folder / "__init__.py").write_text(
            '"""Generated from proto/ by gateway.generate; do not edit."""\n', encoding="utf-8"
        )


def contents(folder: Path) -> dict[str, str]:
    """Return the text of every generated file below a folder, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py*"))
        if path.suffix in {".py", ".pyi"}
    }


def stale() -> list[str]:
    """Return the files of ``gateway/pb`` that differ from a fresh generation, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "pb")
        fresh = contents(Path(folder) / "pb")
    committed = contents(GENERATED)
    return sorted(
        name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name)
    )


def main(arguments: list[str]) -> int:
    """Generate, or compare; return the exit status."""
    if arguments == ["--check"]:
        names = stale()
        for name in names:
            print(f"gateway/pb/{name} is not a fresh generation; run python -m gateway.generate")
        return 1 if names else 0
    if arguments:
        print("usage: python -m gateway.generate [--check]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "pb")
        fresh = contents(Path(folder) / "pb")
    for name in contents(GENERATED).keys() - fresh.keys() if GENERATED.exists() else ():
        (GENERATED / name).unlink()
    for name, text in fresh.items():
        path = GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
