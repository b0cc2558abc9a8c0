"""The world of an engine in production: a durable store, SIP and other trunks, a recorder."""

import secrets
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.actors.kernel.loop import LoopScheduler
from engine.config import EngineSettings
from engine.domain.ids import LegId
from engine.ports import Gate, LegAnswered, LegMoved, StoredFact, TelephonyEvent
from engine.runtime.outbox import Outbox
from engine.runtime.recording_setup import make_recorder
from engine.store import EngineStore, open_store
from engine.telephony.combined import CombinedTelephony
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from engine.telephony.sip.adapter import SipTelephony

_SECRET_OCTETS = 32

AudioSink = Callable[[LegId, bytes], None]


class Outside:
    """Opens an engine's ports for real, and closes them.

    Args:
        settings: All settings.
        loop: The engine's.
        setup: Of the recorder; None: nothing could be kept.
        outbox: Gives the engine's outbox, once there is one.
    """

    def __init__(
        self,
        settings: EngineSettings,
        loop: AbstractEventLoop,
        setup: RecorderSetup | None,
        outbox: Callable[[], Outbox],
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._setup = setup
        self._outbox = outbox
        self._recorder: RecorderClient | None = None
        self._sip: SipTelephony | None = None
        self._telephony: CombinedTelephony | None = None
        self.scheduler = LoopScheduler(loop)

    def open_store(self, on_committed: Callable[[Sequence[StoredFact]], None]) -> EngineStore:
        """Open the store that the settings name, and recover from it; blocks.

        Raises:
            JournalError: It cannot be opened or trusted.
            InvalidRequestError: There is no such store.
        """
        return open_store(
            self._settings.store.url,
            call_soon=self._loop.call_soon_threadsafe,
            call_later=self._loop.call_later,
            on_committed=on_committed,
            commit_every_s=self._settings.store.commit_every_s,
        )

    def open_telephony(
        self, sink: Callable[[TelephonyEvent], None], gate: Gate, on_audio: AudioSink
    ) -> CombinedTelephony:
        """Make the telephony port; ``start`` binds its sockets."""
        self._recorder = make_recorder(self._setup)

        def take(event: TelephonyEvent) -> None:
            if isinstance(event, LegMoved):
                # Behind the dialog that it replaces, which may be in the same burst.
                self._loop.call_soon(sink, event)
                return
            sink(event)
            if isinstance(event, LegAnswered):
                # Behind the burst in which the actor journals the dialog.
                self._loop.call_soon(self._confirm_when_durable, event.leg_id)

        def make_sip(tell: Callable[[TelephonyEvent], None], hear: AudioSink) -> SipTelephony:
            self._sip = SipTelephony(
                self._settings.sip, tell, gate, hear, self.scheduler.now_s,
                self._secret(), secrets.token_hex(8), holds_acks=True,
                recorder=self._recorder,
            )  # fmt: skip
            return self._sip

        self._telephony = CombinedTelephony(take, gate, on_audio, self.scheduler.now_s, make_sip)
        return self._telephony

    def _confirm_when_durable(self, leg_id: LegId) -> None:
        """Acknowledge an answer once a later life could end the call (C2).

        An unacknowledged answer is repeated, so a life that knows no dialog can still end it; one
        that was acknowledged and not remembered would stay with the far end.
        """
        sip = self._sip
        if sip is not None:
            self._outbox().when_durable(lambda: sip.confirm(leg_id))

    def _secret(self) -> bytes:
        """Return the installation's secret, which Call-IDs and tags follow from (C2).

        It lies beside the store; without a durable store it lives as long as the process.
        """
        kind, _, rest = self._settings.store.url.partition(":")
        if kind != "sqlite":
            return secrets.token_bytes(_SECRET_OCTETS)
        path = Path(rest.removeprefix("//")).expanduser().with_suffix(".secret")
        if path.exists():
            return path.read_bytes()
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_SECRET_OCTETS))
        return path.read_bytes()

    @property
    def sip_address(self) -> str:
        """Where SIP is spoken."""
        host, port = self._sip.address if self._sip is not None else ("", 0)
        return f"{host}:{port}"

    async def start(self) -> None:
        """Bind SIP and RTP.

        Raises:
            InvalidRequestError: An address cannot be bound.
        """
        assert self._sip is not None  # telephony is open
        await self._sip.start()

    async def settle_recorder(self) -> None:
        """Wait until the ends of all recordings are told."""
        if self._recorder is not None:
            await self._recorder.settle()

    async def stop(self) -> None:
        """Let go of all sockets and processes; the store is closed by its owner."""
        if self._telephony is not None:
            await self._telephony.stop()
        if self._sip is not None:
            await self._sip.stop()
