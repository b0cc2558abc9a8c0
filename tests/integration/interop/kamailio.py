"""Kamailio as an outbound proxy: it wants a digest, record-routes, and relays to a carrier.

Its configuration is written by the test, for free ports of loopback; it is ended by its process id.
"""

import asyncio
import shutil
import socket
from pathlib import Path
from typing import Self

import pytest

from tests.integration.interop.rig import until
from tests.support.load import PATIENCE_S
from tests.support.ports import free_port

HOST = "127.0.0.1"
USER, PASSWORD, REALM = "paceline", "secret", "proxy.example"

_CONFIG = """
debug=0
log_stderror=yes
# One process for each: several may swap two messages that come close together.
children=1
tcp_children=1
{listen}
{tls_global}
alias="{realm}"
{modules}
modparam("rr", "enable_full_lr", 1)
modparam("tm", "fr_timer", 30000)
{tls_module}

request_route {{
    if (is_method("OPTIONS") && uri == myself) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            handle_ruri_alias();  # back over the connection that the dialer opened
            t_relay();
        }} else if (!is_method("ACK")) {{
            sl_send_reply("404", "No route set");
        }}
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    t_check_trans();
    if (is_method("INVITE")) {{
        record_route();
        add_contact_alias();
        if (uri == myself) {{
            # From the dialer, to the carrier: only with the right password.
            if (!pv_proxy_authenticate("{realm}", "{password}", "0") || $au != "{user}") {{
                proxy_challenge("{realm}", "1");
                exit;
            }}
            consume_credentials();
            $du = "sip:{carrier}";
        }}
    }}
    # What is not for us goes where its URI says: REGISTER to the dialer, INVITE to its phones.
    t_relay();
}}
"""
_MODULES = ("tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "auth", "nathelper")


def has_tls() -> bool:
    """Say whether Kamailio's TLS module is installed."""
    return any(Path("/usr/lib").glob("*/kamailio/modules/tls.so"))


class Kamailio:
    """One run of Kamailio.

    Attributes:
        port: Its port of UDP and TCP.
        tls_port: Its port of TLS, if it speaks that.
    """

    def __init__(
        self,
        folder: Path,
        carrier: int,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """Write its configuration.

        Args:
            folder: For its files.
            carrier: UDP port of the carrier behind it.
            certificate: PEM files of its certificate and key: it speaks TLS too.
        """
        self.port = free_port()
        self.tls_port = free_port()
        self._folder = folder
        listen = [f"listen=udp:{HOST}:{self.port}"]
        listen.append(f"listen=tcp:{HOST}:{self.port}")
        listen += [f"listen=tls:{HOST}:{self.tls_port}"] if certificate else []
        names = [*_MODULES, *(["tls"] if certificate else [])]
        tls = ""
        if certificate:
            tls = (
                f'modparam("tls", "certificate", "{certificate[0]}")\n'
                'modparam("tls", "tls_method", "TLSv1.2+")\n'  # without it TLS 1.0 alone
                f'modparam("tls", "private_key", "{certificate[1]}")\n'
            )
        self._config = _CONFIG.format(
            listen="\n".join(listen), tls_global="enable_tls=yes" if certificate else "",
            modules="\n".join(f'loadmodule "{name}.so"' for name in names), tls_module=tls,
            realm=REALM, user=USER, password=PASSWORD, carrier=f"{HOST}:{carrier}",
        )  # fmt: skip
        self._wants_tls = certificate is not None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        program = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
        if program is None:
            pytest.skip("kamailio is not installed")
        if self._wants_tls and not has_tls():
            pytest.skip("kamailio-tls-modules is not installed")
        config, log = self._folder / "kamailio.cfg", self._folder / "kamailio.log"
        config.write_text(self._config, encoding="ascii")
        with log.open("wb") as file:
            self._process = await asyncio.create_subprocess_exec(
                *(program, "-DD", "-E", "-m", "16", "-M", "4", "-f", str(config)),
                *("-Y", str(self._folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        await until(self._answers, "kamailio answers OPTIONS")
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()  # the first process ends the others
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    @property
    def address(self) -> str:
        """``host:port`` of UDP and TCP."""
        return f"{HOST}:{self.port}"

    @property
    def tls_address(self) -> str:
        """``host:port`` of TLS."""
        return f"{HOST}:{self.tls_port}"

    def _answers(self) -> bool:
        process = self._process
        assert process is not None
        if process.returncode is not None:
            log = (self._folder / "kamailio.log").read_text(errors="replace")
            raise AssertionError(f"kamailio ended:\n{log[-3000:]}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            probe.settimeout(0.2)
            own = probe.getsockname()[1]
            ask = (
                f"OPTIONS sip:{self.address} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bKprobe\r\nMax-Forwards: 1\r\n"
                f"From: <sip:probe@{HOST}>;tag=1\r\nTo: <sip:{self.address}>\r\n"
                "Call-ID: probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            probe.sendto(ask.encode(), (HOST, self.port))
            try:
                return probe.recv(2048).startswith(b"SIP/2.0 200")
            except (TimeoutError, ConnectionRefusedError):
                return False
