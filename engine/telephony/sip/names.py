"""What name servers say: SRV records and addresses, never waited for on the loop."""

import asyncio
import socket
from typing import Final, NamedTuple

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.SRV import SRV

LIFETIME_S: Final = 5.0
"""Longest question. [s]"""
HOSTS_TTL_S: Final = 60.0
"""How long an address holds that the system found: it does not tell. [s]"""


class Srv(NamedTuple):
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class NoAnswerError(Exception):
    """Nobody answered: what was known before still holds."""


class Names:
    """Asks the system's name servers, or one that is set."""

    def __init__(self, server: str = "", port: int = 53) -> None:
        """Set up.

        Args:
            server: Address of the name server; empty: the system's, and its table of hosts.
            port: Its port.
        """
        self._is_set = bool(server)
        self._dns: dns.asyncresolver.Resolver | None
        try:
            self._dns = dns.asyncresolver.Resolver(configure=not server)
        except dns.exception.DNSException:  # a system without a resolv.conf knows its hosts only
            self._dns = None
            return
        if server:
            self._dns.nameservers = [server]
            self._dns.port = port
        self._dns.lifetime = LIFETIME_S

    async def find_services(self, name: str) -> tuple[list[Srv], float]:
        """Return the SRV records of a name, none if it has none, and how long that holds. [s]

        Raises:
            NoAnswerError: No name server answers.
        """
        answer = await self._resolve(name, "SRV")
        if answer is None:
            return [], HOSTS_TTL_S
        found = [
            Srv(each.priority, each.weight, each.port, each.target.to_text(omit_final_dot=True))
            for each in answer
            if isinstance(each, SRV)
        ]
        return found, float(answer.rrset.ttl if answer.rrset else HOSTS_TTL_S)

    async def find_addresses(self, host: str) -> tuple[list[str], float]:
        """Return the IPv4 addresses of a host, and how long they hold. [s]

        Raises:
            NoAnswerError: No name server answers.
        """
        if not self._is_set:
            return await _ask_system(host), HOSTS_TTL_S
        answer = await self._resolve(host, "A")
        if answer is None:
            return [], HOSTS_TTL_S
        found = [each.address for each in answer if isinstance(each, A)]
        return found, float(answer.rrset.ttl if answer.rrset else HOSTS_TTL_S)

    async def _resolve(self, name: str, kind: str) -> dns.resolver.Answer | None:
        if self._dns is None:
            return None
        try:
            absolute = dns.name.from_text(name)
            return await self._dns.resolve(absolute, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, UnicodeError):
            return None
        except (dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return None
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswerError(f"no answer about {name}") from error


async def _ask_system(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            return []
        raise NoAnswerError(f"no answer about {host}") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswerError(f"no answer about {host}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
