"""What we register at a carrier."""

import msgspec

from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.uri import escape_user


class Account(msgspec.Struct, frozen=True, gc=False):
    """What is registered, and where.

    Attributes:
        key: What events name it by.
        domain: Host part of the registrar's URI and of the address of record.
        username: User of the address of record.
        credentials: What challenges are answered with.
        expires_s: How long a registration is asked for. [s]
    """

    key: str
    domain: str
    username: str
    credentials: Credentials
    expires_s: int

    @property
    def record(self) -> str:
        """Address of record."""
        return f"sip:{escape_user(self.username)}@{self.domain}"
