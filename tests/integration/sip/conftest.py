"""Real packets go over the loop of production; streams over asyncio's own too: its TLS differs."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    """Choose the loops that a test runs on."""
    loops: Loops = {"uvloop": uvloop.new_event_loop}
    if item.path.name == "test_streams.py":
        return {**loops, "asyncio": asyncio.new_event_loop}
    return loops
