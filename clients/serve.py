"""Runs a server: an engine and its gateway in this process, until a signal or a drain ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import structlog

from clients.errors import PacelineError
from engine.config import EngineSettings, load_settings
from engine.runtime import Engine
from gateway.access import Policy, policy_of
from gateway.server import Gateway, Tls
from gateway.services import all_services
from gateway.status import refusal_of

_POLL_S = 0.25
"""How often a drain that a client asked for is looked for. [s]"""
_GRACE_S = 1.0
"""Time that open calls of the API have at the end. [s]"""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What ``paceline serve`` is told.

    Attributes:
        listen: ``host:port`` of the API; port 0: any free one.
        store: Store URL; empty: as configured.
        sip: ``host:port`` of SIP; empty: as configured.
        config: Settings file in TOML, or None.
        drain_s: Longest orderly stop, in place of the configured one, or None. [s]
        tls: PEM files: certificate, key, and who signs clients or None; None: plain text.
        follow_input: Whether to end with standard input.
        log_level: Least severity logged: debug, info, warning or error.
    """

    listen: str
    store: str = ""
    sip: str = ""
    config: Path | None = None
    drain_s: float | None = None
    tls: tuple[Path, Path, Path | None] | None = None
    follow_input: bool = False
    log_level: str = "info"


def settings_of(options: ServeOptions) -> EngineSettings:
    """Return the engine's settings: of the file, with the options in place of its own.

    Raises:
        DialerError: A value is wrong; it says which.
    """
    sections = load_settings(options.config).model_dump()
    if options.store:
        sections["store"]["url"] = options.store
    if options.sip:
        host, _, port = options.sip.rpartition(":")
        sections["sip"] |= {"host": host.strip("[]"), "port": port}
    if options.drain_s is not None:
        sections["drain_s"] = options.drain_s
    return load_settings(None, **sections)


def run(options: ServeOptions, announce: Callable[[str, str], None]) -> None:
    """Serve until SIGINT or SIGTERM, or until a client drains the engine; then stop in order.

    Args:
        options: What to serve.
        announce: Told the addresses of the API and of SIP once commands are taken.

    Raises:
        PacelineError: It could not start; the reason is that of the engine's refusal.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(options.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    run_fast(_serve(options, announce))


def run_fast(main: Coroutine[object, object, None]) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(options: ServeOptions, announce: Callable[[str, str], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    following = asyncio.create_task(_follow_input(ended)) if options.follow_input else None
    try:
        settings = settings_of(options)
        policy = policy_of(settings.access)
        engine = Engine(settings)
        await engine.start()
    except Exception as error:
        raise _told(error) from error
    try:
        await _serve_engine(engine, options, policy, announce, ended)
    finally:
        if following is not None:
            following.cancel()
        await engine.stop()


async def _serve_engine(
    engine: Engine,
    options: ServeOptions,
    policy: Policy,
    announce: Callable[[str, str], None],
    ended: asyncio.Event,
) -> None:
    tls = Tls(*options.tls) if options.tls else None
    try:
        gateway = Gateway(all_services(engine), listen=options.listen, tls=tls, policy=policy)
        port = await gateway.start()
    except Exception as error:
        raise _told(error) from error
    await gateway.ready()
    announce(f"{options.listen.rpartition(':')[0]}:{port}", engine.describe().sip_address)
    try:
        await _until_ended(engine, ended)
        for number in (signal.SIGINT, signal.SIGTERM):  # a second one ends it at once
            asyncio.get_running_loop().remove_signal_handler(number)
        await gateway.unready()
        await engine.drain()
        await _until_quiet(engine)
    finally:
        await gateway.stop(_GRACE_S)


async def _until_ended(engine: Engine, ended: asyncio.Event) -> None:
    while not engine.describe().draining:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                await ended.wait()
                return


async def _until_quiet(engine: Engine) -> None:
    """Let calls in progress end while agents' sessions are still served."""
    limit_s = engine.runtime.settings.drain_s
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while engine.describe().calls_in_progress:
                await engine.events.wait(engine.events.last_sequence, _POLL_S)


async def _follow_input(ended: asyncio.Event) -> None:
    """End with standard input, so that a server started by another process dies with it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    ended.set()


def _told(error: Exception) -> PacelineError:
    if isinstance(error, OSError):
        return PacelineError("cannot-listen", str(error), "UNAVAILABLE")
    refused = refusal_of(error)
    if refused.reason == "internal":
        raise error
    return PacelineError(refused.reason, refused.message, refused.code.name)
