"""What is configured may be shown, logged and reported; its passwords may not (invariant X6)."""

import pytest

from engine.domain.ids import AgentId, TrunkId
from engine.domain.specs import AgentSpec, Spec, TrunkSpec
from engine.ports import SetPhone, SetTrunk
from engine.telephony.pyvoip.messages import Begin

AGENT = AgentSpec(agent_id=AgentId("anna"), phone_password="hush")
TRUNK = TrunkSpec(trunk_id=TrunkId("carrier"), address="a.example", username="us", password="hush")


@pytest.mark.parametrize(
    "shown", [AGENT, TRUNK, SetPhone(AGENT), SetTrunk(TRUNK), Begin("h", 1, "us", "hush")]
)
def test_no_password_is_shown(shown: object) -> None:
    assert "hush" not in repr(shown)
    assert "•••" in repr(shown)


@pytest.mark.parametrize("spec", [AGENT, TRUNK])
def test_all_else_is(spec: Spec) -> None:
    for name in spec.__struct_fields__:
        assert f"{name}=" in repr(spec)
    assert repr(spec).startswith(type(spec).__name__)
