import pytest
import trio.testing


@pytest.fixture(params=["uvloop", "virtual"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Each test of waiting code runs twice: in small real time, and on a clock that jumps."""
    if request.param == "uvloop":
        return "asyncio", {"use_uvloop": True}
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
