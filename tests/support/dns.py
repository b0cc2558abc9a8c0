"""A name server of the tests on loopback: it answers A and SRV from a table, and counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], Sequence[str]]
"""Values by name and type, as they stand in a zone file."""


class NameServer(asyncio.DatagramProtocol):
    """Answers questions.

    Attributes:
        address: HOST:PORT of it.
        records: What it knows; may be changed.
        ttl_s: How long its answers hold. [s]
        asked: How often it was asked, by name and type.
        is_deaf: Whether it answers nothing.
    """

    def __init__(self, records: Records) -> None:
        self.address = ""
        self.records = dict(records)
        self.ttl_s = 300
        self.asked: Counter[tuple[str, str]] = Counter()
        self.is_deaf = False
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        host, port = transport.get_extra_info("sockname")[:2]
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if self.is_deaf or self._transport is None:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        values = self.records.get((name, kind))
        if values:
            found = dns.rrset.from_text(question.name, self.ttl_s, "IN", kind, *values)
            response.answer.append(found)
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)

    def close(self) -> None:
        """Answer no more."""
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def name_server(records: Records) -> AsyncIterator[NameServer]:
    """Run a name server on a free port."""
    made = NameServer(records)
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: made, local_addr=("127.0.0.1", 0)
    )
    try:
        yield made
    finally:
        made.close()
