"""The names that others may import from pacing."""

import engine.pacing


def test_the_public_names_exist() -> None:
    assert all(hasattr(engine.pacing, name) for name in engine.pacing.__all__)


def test_the_public_names_are_these() -> None:
    assert set(engine.pacing.__all__) == {
        "DAY", "ROLLING_24H", "ROLLING_30D", "UNLIMITED", "Budgets", "Conditions", "Decision",
        "Floor", "Laws", "Learner", "Memberships", "Mode", "Phase", "Prices", "Priors", "Reason",
        "Snapshot", "Stage", "Window", "decide", "make_snapshot", "pace", "share_agents",
        "share_weights",
    }  # fmt: skip
