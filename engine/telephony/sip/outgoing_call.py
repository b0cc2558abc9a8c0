"""A call to be placed: whom, from where, and what its INVITE says beside that."""

from dataclasses import dataclass

from engine.domain.specs import Need
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.identity import identity_headers
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.session import SHORTEST_S, offer_extensions


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call to be placed.

    Attributes:
        leg_id: Id of the new leg; its Call-ID, tag and branches follow from it.
        target: Request-URI, and To.
        caller: URI of From.
        destination: Where the INVITE goes.
        media: Our end of the audio.
        caller_name: Display name of From; may be empty.
        headers: More headers; their values must not come from lists unless cleaned.
        credentials: What challenges are answered with; None: they are refusals.
        alternatives: Where the INVITE goes next, after 503 or silence (RFC 3263 §4.3).
        pinned: Whether requests in the dialog go where the INVITE went: phones behind NAT.
        ring_s: Time without an answer until it is cancelled; 0: no limit of its own. [s]
        holds_ack: Whether the answer's ACK waits for ``confirm``. Without it the far end repeats
            its answer, so a life that comes after ours can end the call.
        session_s: Session interval asked for (RFC 4028), at least 90; 0: none. [s]
        shortest_s: Longest minimum that the far end told; grows with 422. [s]
        reliable: Whether provisional responses are acknowledged (RFC 3262).
        asserted: Whether the caller goes as P-Asserted-Identity too (RFC 3325).
        private: Whether the called party is not to see the caller (RFC 3323).
        diverted_from: URI the call is said to be diverted from (RFC 5806); empty: none.
    """

    leg_id: str
    target: str
    caller: str
    destination: Destination
    media: LocalMedia
    caller_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    credentials: Credentials | None = None
    alternatives: tuple[Destination, ...] = ()
    pinned: bool = False
    ring_s: float = 0.0
    holds_ack: bool = False
    session_s: int = 0
    shortest_s: int = SHORTEST_S
    reliable: Need = Need.OFF
    asserted: bool = False
    private: bool = False
    diverted_from: str = ""

    def extra_headers(self) -> str:
        """Return the INVITE's own headers: extensions, who calls, and those given."""
        lines = offer_extensions(self.session_s, self.shortest_s, self.reliable)
        if self.asserted or self.private or self.diverted_from:
            lines += identity_headers(
                self.caller, self.caller_name, self.asserted, self.private, self.diverted_from
            )
        if self.headers:
            lines += "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return lines
