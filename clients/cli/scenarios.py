"""Scenario files, as people write them, for the API: TOML, or JSON of the same form.

first = "menu"
limit = 120                       # seconds; may be left out

[steps.menu]
do = "collect"
prompt = "/prompts/menu.wav"
choices = { 1 = "agent", 9 = "never" }
otherwise = "bye"
within = 4                        # seconds
tries = 2

[steps.agent]
do = "transfer"
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clients.cli.common import usage
from clients.cli.forms import duration
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

# Any: what a file holds is not known before it is read.
Fields = Mapping[str, Any]
_Make = Callable[[Fields], pb.Scenario.Step]
_Step = pb.Scenario.Step


def scenario(text: str) -> pb.Scenario:
    """Read a scenario from a file.

    Args:
        text: Path of a file ending in ``.toml`` or ``.json``.

    Raises:
        typer.BadParameter: There is no such file, or it holds no scenario; the text says where.
    """
    path = Path(text)
    try:
        content = path.read_text(encoding="utf-8")
        told = json.loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except (OSError, ValueError) as error:
        raise usage(f"{path}: {error}") from error
    try:
        return _scenario(told)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise usage(f"{path}: {_plain(error)}") from error


def _scenario(told: Fields) -> pb.Scenario:
    _only(told, "the scenario", {"first", "steps", "limit"})
    made = pb.Scenario(first=told["first"])
    for name, fields in told["steps"].items():
        made.steps[name].CopyFrom(_step(name, fields))
    if "limit" in told:
        made.limit.CopyFrom(duration(float(told["limit"])))
    return made


def _step(name: str, fields: Fields) -> pb.Scenario.Step:
    do = fields.get("do")
    if do not in _STEPS:
        raise ValueError(f"step {name!r}: do is one of {', '.join(_STEPS)}")
    allowed, make = _STEPS[do]
    _only(fields, f"step {name!r}", {"do", *allowed})
    try:
        return make(fields)
    except KeyError as error:
        raise ValueError(f"step {name!r} has no {error.args[0]}") from None


def _collect(fields: Fields) -> pb.Scenario.Step:
    collect = pb.Scenario.Collect(
        choices=fields["choices"],
        otherwise=fields["otherwise"],
        prompt=fields.get("prompt", ""),
        tries=fields.get("tries"),
    )
    if "within" in fields:
        collect.within.CopyFrom(duration(float(fields["within"])))
    return _Step(collect=collect)


def _play(fields: Fields) -> pb.Scenario.Step:
    return _Step(play=pb.Scenario.Play(prompt=fields["prompt"], then=fields["then"]))


def _dispose(fields: Fields) -> pb.Scenario.Step:
    said = pb.Scenario.SetDisposition(disposition=fields["disposition"], then=fields["then"])
    return _Step(set_disposition=said)


def _add_to_dnc(fields: Fields) -> pb.Scenario.Step:
    return _Step(add_to_dnc=pb.Scenario.AddToDnc(then=fields["then"]))


def _do_not_record(fields: Fields) -> pb.Scenario.Step:
    said = pb.Scenario.DoNotRecord(then=fields["then"], banned=bool(fields.get("banned")))
    return _Step(do_not_record=said)


_STEPS: dict[str, tuple[tuple[str, ...], _Make]] = {
    "play": (("prompt", "then"), _play),
    "collect": (("prompt", "choices", "otherwise", "within", "tries"), _collect),
    "transfer": ((), lambda _: _Step(transfer=pb.Scenario.Transfer())),
    "add-to-dnc": (("then",), _add_to_dnc),
    "do-not-record": (("then", "banned"), _do_not_record),
    "set-disposition": (("disposition", "then"), _dispose),
    "hang-up": ((), lambda _: _Step(hang_up=pb.Scenario.HangUp())),
}
"""For each word of ``do``: the fields it has beside, and what it is on the wire."""


def _only(fields: Fields, where: str, allowed: set[str]) -> None:
    for field in fields:
        if field not in allowed:
            raise ValueError(f"{where} has a field {field!r}, which means nothing there")


def _plain(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
