"""The virtual agents' phones: they register, answer at once and speak."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.demo import sip
from clients.demo.carrier import AGENT_HZ, CUSTOMER_HZ
from clients.demo.endpoint import Call, Endpoint
from clients.demo.wire import Wire

if TYPE_CHECKING:
    from clients.demo.rtp import Voice, Voices

_EXPIRES_S = 3600
_REPEAT_S = (0.5, 1.0, 2.0, 4.0)
"""Waits before a REGISTER is sent again (RFC 3261 §17.1.2.2). [s]"""


class RegistrationError(Exception):
    """A phone could not register."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a phone registers with.

    Attributes:
        user: Its name: the agent's id.
        password: What it knows.
        registrar: Host and port of the registrar.
    """

    user: str
    password: str
    registrar: tuple[str, int]


class Phones:
    """Phones of many agents on one socket."""

    def __init__(self, host: str, voices: Voices) -> None:
        """Bind any free port.

        Args:
            host: Address to bind.
            voices: Their sound.
        """
        self._voices = voices
        self._loop = asyncio.get_running_loop()
        self._voice_of: dict[Call, Voice] = {}
        self._waiting: dict[tuple[str, int], asyncio.Future[sip.Message]] = {}
        self._wire = Wire(
            host, lambda datagram, source, _: self._endpoint.receive(datagram, source)
        )
        self._endpoint = Endpoint(
            self._wire.send,
            self._loop.call_later,
            self._on_invite,
            self._on_ended,
            self._on_response,
        )
        self.heard = 0

    @property
    def calls(self) -> int:
        """Calls in progress."""
        return len(self._voice_of)

    def close(self) -> None:
        """Hang up all calls and close the socket."""
        for call in tuple(self._voice_of):
            self._endpoint.hang_up(call)
        self._wire.close()

    async def register(self, account: Account) -> None:
        """Register a phone (RFC 3261 §10.2).

        Raises:
            RegistrationError: The registrar refuses or does not answer.
        """
        call_id = f"{secrets.token_hex(8)}@{self._wire.host}"
        response = await self._ask(account, call_id, 1, "")
        if response.status == 401:
            challenge = _weakest(response.all("www-authenticate"))
            uri = f"sip:{account.registrar[0]}:{account.registrar[1]}"
            proof = sip.credentials(challenge, "REGISTER", uri, account.user, account.password)
            response = await self._ask(account, call_id, 2, proof)
        if response.status != 200:
            raise RegistrationError(f"{account.user}: {response.start}")

    async def _ask(self, account: Account, call_id: str, cseq: int, proof: str) -> sip.Message:
        host, port = account.registrar
        here = f"{self._wire.host}:{self._wire.port}"
        request = sip.write(
            f"REGISTER sip:{host}:{port} SIP/2.0",
            [
                ("Via", f"SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)};rport"),
                ("Max-Forwards", "70"),
                ("From", f"<sip:{account.user}@{host}:{port}>;tag={secrets.token_hex(4)}"),
                ("To", f"<sip:{account.user}@{host}:{port}>"),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} REGISTER"),
                ("Contact", f"<sip:{account.user}@{here}>;expires={_EXPIRES_S}"),
                *([("Authorization", proof)] if proof else []),
            ],
        )
        answer = self._waiting[call_id, cseq] = self._loop.create_future()
        try:
            for wait_s in _REPEAT_S:
                self._wire.send(request, account.registrar)
                done, _ = await asyncio.wait([answer], timeout=wait_s)
                if done:
                    response: sip.Message = answer.result()
                    return response
            raise RegistrationError(f"{account.user}: no answer from {host}:{port}")
        finally:
            del self._waiting[call_id, cseq]

    def _on_response(self, response: sip.Message) -> None:
        waiting = self._waiting.get((response.call_id, response.cseq))
        if waiting is not None and not waiting.done() and response.status >= 200:
            waiting.set_result(response)

    def _on_invite(self, call: Call) -> None:
        voice = self._voices.open(self._wire.host, AGENT_HZ, CUSTOMER_HZ, self._on_heard)
        if voice is None:
            self._endpoint.reject(call, 486)
            return
        self._voice_of[call] = voice
        voice.speak_to(sip.audio_in(call.invite.body))
        contact = f"sip:{sip.user_in(call.invite.uri)}@{self._wire.host}:{self._wire.port}"
        self._endpoint.answer(call, contact, sip.describe(self._wire.host, voice.port))

    def _on_heard(self) -> None:
        self.heard += 1

    def _on_ended(self, call: Call) -> None:
        voice = self._voice_of.pop(call, None)
        if voice is not None:
            self._voices.close(voice)


def _weakest(challenges: list[str]) -> str:
    """Return the challenge with MD5 if there is one: every phone knows it (RFC 8760 §2.4)."""
    for challenge in challenges:
        if "SHA" not in challenge.upper():
            return challenge
    return challenges[0] if challenges else "Digest"
