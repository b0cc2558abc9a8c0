"""sipp as the far end of the path benchmark, and as the caller that the engine is compared with."""

import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HOST = "127.0.0.1"
_NULL = subprocess.DEVNULL
_BUFFER_OCTETS = 4 << 20
"""A usual buffer holds a hundred INVITEs; what is dropped looks like a slow caller. [octets]"""
_KEPT = "[last_Via:]\n[last_From:]\n{to}\n[last_Call-ID:]\n[last_CSeq:]"
_TAGGED = _KEPT.format(to="[last_To:];tag=[pid]f[call_number]")
_SDP = (
    "v=0\no=far 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n"
    "m=audio 16000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n"
)
_TRYING = f"SIP/2.0 100 Trying\n{_KEPT.format(to='[last_To:]')}\nContent-Length: 0\n\n"
_RINGING = f"SIP/2.0 180 Ringing\n{_TAGGED}\nContent-Length: 0\n\n"
_CONTACT = "Contact: <sip:[local_ip]:[local_port]>\n"
_OK = (
    f"SIP/2.0 200 OK\n{_TAGGED}\n{_CONTACT}"
    f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}"
)
_BYE_OK = f"SIP/2.0 200 OK\n{_KEPT.format(to='[last_To:]')}\nContent-Length: 0\n\n"


def _send(text: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{text}]]></send>"


def _refusal(status: str) -> str:
    text = f"SIP/2.0 {status}\n{_TAGGED}\nContent-Length: 0\n\n"
    return _send(text, 'retrans="500"') + '<recv request="ACK" next="end"/>'


REFUSING = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="refusing">
<recv request="INVITE"/>{_send(_TRYING)}{_send(_RINGING)}
<nop next="2" chance="0.3"/>
{_refusal("486 Busy Here")}
<label id="2"/>{_refusal("404 Not Found")}
<label id="end"/></scenario>
""".replace('"end"', '"9"')
"""A carrier that rings and refuses: 486 for seven in ten, 404 for the rest."""

ANSWERING = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answering">
<recv request="INVITE"/>{_send(_TRYING)}{_send(_RINGING)}{_send(_OK, 'retrans="500"')}
<recv request="ACK"/><recv request="BYE"/>{_send(_BYE_OK)}</scenario>
"""
"""A carrier where everybody answers and the caller hangs up."""

PATIENT = ANSWERING.replace("</scenario>", '<timewait milliseconds="4000"/></scenario>')
"""The same, and a BYE whose answer was lost is answered again (RFC 3261 §17.2.2, Timer J)."""

_SESSION = (
    f"{_CONTACT}Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n"
    "Supported: timer\nRequire: timer\nSession-Expires: 90;refresher=uac\n"
)
_HELD = _OK.replace(_CONTACT, _SESSION)
_REFRESHED = _BYE_OK.replace("Content-Length", f"{_SESSION}Content-Length")
HOLDING = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="holding">
<recv request="INVITE"/>{_send(_TRYING)}{_send(_RINGING)}
{_send(_HELD, 'retrans="500"')}
<recv request="ACK"/>
<label id="1"/><recv request="UPDATE" optional="true" next="2"/><recv request="BYE" next="3"/>
<label id="2"/>{_send(_REFRESHED)}<nop next="1"/>
<label id="3"/>{_send(_BYE_OK)}<timewait milliseconds="4000"/></scenario>
"""
"""A carrier where everybody answers and stays, and lets us refresh by UPDATE every 45 seconds."""

_INVITE = (
    "INVITE sip:+14155550100@[remote_ip]:[remote_port] SIP/2.0\n"
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n"
    "From: <sip:+12125550199@[local_ip]>;tag=[pid]c[call_number]\n"
    "To: <sip:+14155550100@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 INVITE\n"
    "Contact: <sip:[local_ip]:[local_port]>\nContent-Type: application/sdp\n"
    f"Content-Length: [len]\n\n{_SDP}"
)
_ACK = (
    "ACK sip:+14155550100@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\nMax-Forwards: 70\n"
    "[last_From:]\n[last_To:]\nCall-ID: [call_id]\nCSeq: 1 ACK\nContent-Length: 0\n\n"
)
CALLER = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
{_send(_INVITE, 'retrans="500"')}
<recv response="100" optional="true"/><recv response="180" optional="true"/>
<recv response="404" optional="true" next="1"/><recv response="486"/>
<label id="1"/>{_send(_ACK)}</scenario>
"""
"""A caller of ``REFUSING``; for ``ANSWERING`` sipp's own will do."""


class Sipp(NamedTuple):
    """A sipp that runs.

    Attributes:
        port: Where it answers.
        pid: Its process.
    """

    port: int
    pid: int


@contextmanager
def carrier(scenario: str) -> Iterator[int]:
    """Run a far end; yields its port."""
    with sipp(scenario) as far:
        yield far.port


@contextmanager
def sipp(scenario: str, transport: str = "UDP") -> Iterator[Sipp]:
    """Run a far end over UDP, or over TCP."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "carrier.xml").write_text(scenario, encoding="utf-8")
        process = subprocess.Popen(
            [*_sipp(port, transport), "-sf", "carrier.xml", "-l", "30000"],
            cwd=folder, stdin=_NULL, stdout=_NULL, stderr=_NULL,
        )  # fmt: skip
        try:
            _wait_bound(port, transport)
            yield Sipp(port, process.pid)
        finally:
            process.kill()
            process.wait()


def caller_cpu_ms(
    port: int,
    scenario: str | None,
    calls: int,
    calls_per_s: int,
    *,
    transport: str = "UDP",
    talk_ms: int = 300,
) -> float:
    """Return the processor milliseconds that a call costs sipp as the caller.

    Args:
        port: Of the carrier.
        scenario: Of the caller; None: sipp's own.
        calls: How many to place.
        calls_per_s: How fast.
        transport: UDP or TCP.
        talk_ms: From answer to BYE, in sipp's own scenario. [ms]
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "caller.xml").write_text(scenario or "", encoding="utf-8")
        which = ["-sf", "caller.xml"] if scenario else ["-sn", "uac", "-d", str(talk_ms)]
        done = subprocess.run(
            [
                *(*_sipp(free_port(), transport), *which, "-m", str(calls)),
                *("-r", str(calls_per_s), "-l", "5000", f"{HOST}:{port}"),
            ],
            cwd=folder, stdin=_NULL, stdout=_NULL, stderr=_NULL,
        )  # fmt: skip
        if done.returncode not in (0, 1):  # 1: a call was disturbed by loss; it cost the same
            raise RuntimeError(f"sipp ended with {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent_s / calls * 1e3


def _sipp(port: int, transport: str = "UDP") -> list[str]:
    way = ["-t", "t1"] if transport == "TCP" else []
    room = ["-buff_size", str(_BUFFER_OCTETS)]
    return ["sipp", "-i", HOST, "-p", str(port), "-nostdin", "-timeout", "300s", *room, *way]


def free_port() -> int:
    """Return a UDP port of loopback that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_bound(port: int, transport: str) -> None:
    deadline_s = time.monotonic() + 10
    table = Path("/proc/net", transport.lower())
    while f":{port:04X} " not in table.read_text(encoding="ascii"):
        if time.monotonic() > deadline_s:
            raise TimeoutError("sipp did not start")
        time.sleep(0.01)
