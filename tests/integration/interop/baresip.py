"""baresip as an agent's phone whose keys the test presses, over its control socket."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Self

import pytest

from tests.integration.sip.test_baresip import write_tone
from tests.support.load import PATIENCE_S
from tests.support.ports import free_port

HOST = "127.0.0.1"
SPEAKS_HZ = 440
_CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{port}
audio_player aubridge,nowhere
audio_source aufile,{folder}/said.wav
audio_alert aubridge,nowhere
net_interface 127.0.0.1
ctrl_tcp_listen 127.0.0.1:{control}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""


class Baresip:
    """One phone with one account that answers by itself and says 440 Hz."""

    def __init__(self, folder: Path, registrar: str, more: str = "") -> None:
        """Write its configuration.

        Args:
            folder: For its files.
            registrar: ``host:port`` of the registrar.
            more: Further parameters of the account, each with its semicolon.
        """
        self.port = free_port()
        self._control = free_port()
        self._folder = folder
        config = _CONFIG.format(port=self.port, control=self._control, folder=folder)
        (folder / "config").write_text(config, encoding="ascii")
        (folder / "accounts").write_text(
            f"<sip:anna@{registrar};transport=udp>;auth_user=anna;auth_pass=secret"
            f";answermode=auto;regint=60;audio_codecs=PCMU/8000/1{more}\n",
            encoding="ascii",
        )
        write_tone(folder / "said.wav")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        program = shutil.which("baresip")
        if program is None:
            pytest.skip("baresip is not installed")
        with (self._folder / "baresip.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(program, "-f", str(self._folder), "-v"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is not None:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def press(self, command: str, params: str = "") -> None:
        """Give a command of its menu (``hold``, ``resume``, ``sndcode``, ``hangup``).

        Raises:
            AssertionError: It refuses.
        """
        reader, writer = await asyncio.open_connection(HOST, self._control)
        try:
            order = json.dumps({"command": command, "params": params, "token": "t"})
            writer.write(f"{len(order)}:{order},".encode())
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    length = int((await reader.readuntil(b":"))[:-1])
                    told = json.loads((await reader.readexactly(length + 1))[:-1])
                    if told.get("response"):
                        assert told["ok"], told
                        return
        finally:
            writer.close()
