"""What all tests share: examples that are the same on every machine, and what it is loaded with.

``pytest --hypothesis-profile=explore`` makes up new examples each time.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.load import Load

for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(name, None)  # with these programs colour what nobody looks at

settings.register_profile(
    "same",
    derandomize=True,  # a change that broke nothing is not refused for an example of chance
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


@pytest.fixture
def load() -> Iterator[Load]:
    """Measure how crowded the machine is while the test runs."""
    with Load() as measured:
        yield measured
