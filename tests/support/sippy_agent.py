"""A SIP user agent made with sippy, in a process of its own: it does what lines of JSON say.

``python -m tests.support.sippy_agent OWN_PORT [challenge]`` reads one order a line, such as
``{"do": "call", "port": 5060, "number": "100"}``, and writes one line for each thing that happens:
``{"event": "Connect", "status": 200}``. With ``challenge`` it wants a digest for each call.
"""

import json
import os
import sys
import threading
import warnings
from typing import Any

HOST, USER, PASSWORD, REALM = "127.0.0.1", "paceline", "secret", "sippy"
_SDP = (
    "v=0\r\no=sippy 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 16000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
)


def say(**told: object) -> None:
    """Write one line."""
    print(json.dumps(told), flush=True)


class Agent:
    """One user agent with one call at a time. sippy has no types, hence ``Any``."""

    def __init__(self, port: int, *, challenges: bool) -> None:
        from sippy.SipLogger import SipLogger
        from sippy.SipTransactionManager import SipTransactionManager

        self._challenges = challenges
        self._version = 1
        self._ua: Any = None
        self._config: dict[str, Any] = {
            "_sip_address": HOST, "_sip_port": port, "_sip_logger": SipLogger("agent"),
        }  # fmt: skip
        self._config["_sip_tm"] = SipTransactionManager(self._config, self._take_request)

    def _take_request(self, request: Any, transaction: Any) -> Any:
        from sippy.SipHeader import SipHeader
        from sippy.SipWWWAuthenticate import SipWWWAuthenticate
        from sippy.UA import UA

        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "No such dialog"), None, None
        if request.getMethod() != "INVITE":
            return request.genResponse(200, "OK"), None, None
        if self._challenges and not self._is_proven(request):
            response = request.genResponse(401, "Unauthorized")
            response.appendHeader(SipHeader(body=SipWWWAuthenticate(realm=REALM)))
            say(event="Challenge", proven=request.countHFs("authorization") > 0)
            return response, None, None
        self._ua = UA(self._config, self._happened)
        return self._ua.recvRequest(request, transaction)

    @staticmethod
    def _is_proven(request: Any) -> bool:
        if not request.countHFs("authorization"):
            return False
        return bool(request.getHFBody("authorization").verify(PASSWORD, "INVITE"))

    def _happened(self, event: Any, _ua: Any) -> None:
        data = event.getData()
        status = data[0] if isinstance(data, tuple) and isinstance(data[0], int) else 0
        body = str(data) if event.name == "CCEventUpdate" else ""
        say(event=event.name.removeprefix("CCEvent"), status=status, holds="a=sendonly" in body)
        if event.name == "CCEventUpdate":
            self._answer()

    def obey(self, order: dict[str, Any]) -> None:
        """Do what is wanted."""
        from sippy.CCEvents import (
            CCEventDisconnect,
            CCEventFail,
            CCEventRing,
            CCEventTry,
            CCEventUpdate,
        )
        from sippy.SipCallId import SipCallId
        from sippy.UA import UA

        match order["do"]:
            case "call":
                self._ua = UA(self._config, self._happened, USER, PASSWORD, (HOST, order["port"]))
                number = order["number"]
                sdp = self._description("sendrecv")
                self._ua.recvEvent(CCEventTry((SipCallId(), USER, number, sdp, None, "Sippy")))
            case "ring":
                self._ua.recvEvent(CCEventRing((180, "Ringing", None)))
            case "answer":
                self._answer()
            case "fail":
                self._ua.recvEvent(CCEventFail((order["status"], "Refused")))
            case "offer":
                self._ua.recvEvent(CCEventUpdate(self._description(order["direction"])))
            case "bye":
                self._ua.recvEvent(CCEventDisconnect())
            case unknown:
                raise ValueError(unknown)

    def _answer(self) -> None:
        from sippy.CCEvents import CCEventConnect

        self._ua.recvEvent(CCEventConnect((200, "OK", self._description("sendrecv"))))

    def _description(self, direction: str) -> Any:
        from sippy.MsgBody import MsgBody

        self._version += 1
        return MsgBody(_SDP.format(version=self._version, direction=direction))


def main() -> None:
    """Be a user agent until the input ends."""
    warnings.simplefilter("ignore")
    os.environ["SIPLOG_BEND"] = "none"
    from sippy.Core.EventDispatcher import ED2

    agent = Agent(int(sys.argv[1]), challenges="challenge" in sys.argv[2:])

    def listen() -> None:
        for line in sys.stdin:
            ED2.callFromThread(agent.obey, json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    say(event="up")
    ED2.loop()


if __name__ == "__main__":
    main()
