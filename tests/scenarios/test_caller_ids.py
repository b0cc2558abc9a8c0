"""Days on which records say which number they are shown: the wire shows it, and nothing else."""

import re
from dataclasses import replace

import msgspec
import pytest

from clients.checker import check_evidence
from engine.domain.e164 import E164
from engine.domain.facts import AttemptIntended
from engine.domain.specs import CampaignSpec, Mode
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.scene import Scene

NEAR = (E164("+12125550111"), E164("+13105550111"))
HOSTILE = (
    "",
    "+44 20 7183 8750",
    "+1\r\nRoute: <sip:evil>",
    "'; DROP TABLE facts; --",
    "+1415555010" + "0" * 90,
    "\u202e+14155550100",
    "sip:+14155550100@evil",
)
"""What a list may hold in the field; the second one alone is a number."""


def scene_of(script: Script) -> Scene:
    scene = set_scene(script)
    batches = [
        msgspec.structs.replace(
            batch,
            extras=[
                msgspec.msgpack.encode({"show": HOSTILE[row % len(HOSTILE)]} if row % 9 else {})
                for row in range(batch.count)
            ],
        )
        for batch in scene.batches
    ]
    specs = [
        (
            kind,
            msgspec.structs.replace(spec, caller_id_field="show", caller_ids=NEAR)
            if isinstance(spec, CampaignSpec)
            else spec,
        )
        for kind, spec in scene.specs
    ]
    return replace(scene, batches=batches, specs=specs)


@pytest.mark.parametrize(
    ("seed", "mode"),
    [(1, Mode.PROGRESSIVE), (2, Mode.PREVIEW), (3, Mode.PREDICTIVE), (4, Mode.AUTOMATIC)],
)
def test_each_call_shows_what_its_record_says_and_nothing_hostile(seed: int, mode: Mode) -> None:
    simulation = Simulation(scene_of(Script(seed, 6, 1 / 6, mode=mode, faults=True, tick_s=1.0)))
    simulation.run()
    result = simulation.result(check_evidence)
    assert (*result.violations, *result.faults) == ()
    intended = [f.fact for f in simulation._disk.log if isinstance(f.fact, AttemptIntended)]
    own = [fact for fact in intended if fact.row % len(HOSTILE) == 1 and fact.row % 9]
    assert own
    assert {fact.caller_id for fact in own} == {"+442071838750"}
    others = {fact.caller_id for fact in intended if fact not in own}
    assert others <= {*NEAR, "+12125550100"}
    shown = {
        str(row["caller_id"])
        for row in simulation.witness.rows
        if row["kind"] == "invite" and row["side"] == "customer"
    }
    assert all(re.fullmatch(r"\+[0-9]{7,15}", number) for number in shown)
    assert "+442071838750" in shown
