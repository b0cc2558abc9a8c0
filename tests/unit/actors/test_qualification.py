import pytest

from engine.actors.qualification import HIGHEST_LEVEL, level_of, same_staff
from engine.domain.ids import AgentId, CampaignId, TeamId
from engine.domain.specs import CampaignSpec

ANN, BEN = AgentId("ann"), AgentId("ben")
RED, BLUE = TeamId("red"), TeamId("blue")
SPEC = CampaignSpec(campaign_id=CampaignId("c"), teams=(RED,), skills={BEN: 40})


@pytest.mark.parametrize(
    ("agent_id", "team_id", "level"),
    [
        pytest.param(ANN, RED, HIGHEST_LEVEL, id="a member has the highest level"),
        pytest.param(BEN, RED, 40, id="a level of its own counts for a member"),
        pytest.param(ANN, BLUE, 0, id="another team is not qualified"),
        pytest.param(BEN, BLUE, 0, id="a level is worth nothing without the team"),
        pytest.param(ANN, TeamId(""), 0, id="no team is no team of the campaign"),
    ],
)
def test_a_level_comes_from_team_and_skill(agent_id: AgentId, team_id: TeamId, level: int) -> None:
    assert level_of(SPEC, agent_id, team_id) == level


def test_level_zero_is_not_qualified() -> None:
    spec = CampaignSpec(campaign_id=CampaignId("c"), teams=(RED,), skills={ANN: 0})
    assert level_of(spec, ANN, RED) == 0


def test_staff_changes_with_teams_or_levels_only() -> None:
    assert same_staff(SPEC, CampaignSpec(campaign_id=CampaignId("c"), teams=(RED,),
                                         skills={BEN: 40}, priority=9))  # fmt: skip
    assert not same_staff(SPEC, CampaignSpec(campaign_id=CampaignId("c"), teams=(RED,)))
    assert not same_staff(SPEC, CampaignSpec(campaign_id=CampaignId("c"), skills={BEN: 40}))
