"""The called side of calls, with hand-made requests and a clock that the test winds."""

from clients.demo import sip
from clients.demo.endpoint import Call, Endpoint
from tests.unit.clients.demo.fakes import Clock, FarEnd

SOURCE = ("127.0.0.1", 5060)
CONTACT = "sip:+14155550100@127.0.0.1:5080"


def request(method: str, cseq: int = 1, call_id: str = "c1", tag: str = "") -> bytes:
    to = "<sip:+14155550100@127.0.0.1:5080>" + (f";tag={tag}" if tag else "")
    return sip.write(
        f"{method} sip:+14155550100@127.0.0.1:5080 SIP/2.0",
        [
            ("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa;rport"),
            ("From", "<sip:+12025550100@127.0.0.1>;tag=x"),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", "<sip:paceline@127.0.0.1:5060>"),
        ],
    )


class Scene:
    def __init__(self) -> None:
        self.clock, self.far = Clock(), FarEnd()
        self.calls: list[Call] = []
        self.ended: list[Call] = []
        self.endpoint = Endpoint(
            self.far.send, self.clock.later, self.calls.append, self.ended.append
        )

    def hear(self, method: str, cseq: int = 1, call_id: str = "c1", tag: str = "") -> None:
        self.endpoint.receive(request(method, cseq, call_id, tag), SOURCE)


def test_an_invite_is_trying_at_once_and_told_once() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.hear("INVITE")
    assert scene.far.starts == ["SIP/2.0 100 Trying", "SIP/2.0 100 Trying"]
    assert len(scene.calls) == 1


def test_an_answer_is_repeated_until_it_is_acknowledged() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, sip.describe("127.0.0.1", 4000))
    scene.clock.pass_time(1.6)  # at 0, 0.5 and 1.5 s
    assert scene.far.starts.count("SIP/2.0 200 OK") == 3
    scene.hear("ACK")
    scene.clock.pass_time(60)
    assert scene.far.starts.count("SIP/2.0 200 OK") == 3
    assert scene.far.sent[-1].first("contact") == f"<{CONTACT}>"


def test_an_answer_nobody_acknowledges_is_given_up() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.clock.pass_time(120)
    assert 8 < scene.far.starts.count("SIP/2.0 200 OK") < 14


def test_a_cancelled_call_ends_with_487() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.ring(scene.calls[0])
    scene.hear("CANCEL")
    scene.hear("ACK")
    assert scene.far.starts[1:] == [
        "SIP/2.0 180 Ringing",
        "SIP/2.0 200 OK",
        "SIP/2.0 487 Request Terminated",
    ]
    assert scene.ended == scene.calls


def test_a_cancel_that_comes_late_does_not_end_the_call() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.hear("CANCEL")
    assert scene.far.starts[-1] == "SIP/2.0 200 OK"
    assert scene.ended == []


def test_a_refusal_is_repeated_and_ends_the_call_once() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.reject(scene.calls[0], 486)
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.clock.pass_time(0.6)
    assert scene.far.starts[1:] == ["SIP/2.0 486 Busy Here", "SIP/2.0 486 Busy Here"]
    assert scene.ended == scene.calls


def test_a_bye_is_answered_and_ends_the_call() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.hear("ACK")
    scene.hear("BYE", 2)
    scene.hear("BYE", 2)
    assert scene.far.starts[-2:] == ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]
    assert scene.ended == scene.calls
    assert scene.endpoint.calls == 0


def test_our_bye_goes_to_the_contact_until_it_is_answered() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.hear("ACK")
    scene.endpoint.hang_up(scene.calls[0])
    scene.clock.pass_time(0.6)
    byes = [message for message in scene.far.sent if message.method == "BYE"]
    assert [bye.uri for bye in byes] == ["sip:paceline@127.0.0.1:5060"] * 2
    assert byes[0].first("from").endswith(f";tag={scene.calls[0].tag}")
    assert byes[0].first("to").endswith(";tag=x")
    scene.endpoint.receive(sip.respond(byes[0], 200), SOURCE)
    scene.clock.pass_time(60)
    assert [message.method for message in scene.far.sent].count("BYE") == 2
    assert scene.ended == scene.calls


def test_an_acknowledgement_after_our_bye_does_not_silence_the_bye() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.answer(scene.calls[0], CONTACT, b"")
    scene.endpoint.hang_up(scene.calls[0])
    scene.hear("ACK")
    scene.clock.pass_time(0.6)
    assert [message.method for message in scene.far.sent].count("BYE") == 2


def test_a_new_offer_within_a_call_gets_the_same_answer() -> None:
    scene = Scene()
    scene.hear("INVITE")
    body = sip.describe("127.0.0.1", 4000)
    scene.endpoint.answer(scene.calls[0], CONTACT, body)
    scene.hear("ACK")
    scene.hear("INVITE", 2, tag=scene.calls[0].tag)
    assert (scene.far.sent[-1].status, scene.far.sent[-1].body) == (200, body)
    assert len(scene.calls) == 1


def test_requests_of_no_call_are_refused() -> None:
    scene = Scene()
    scene.hear("BYE", 2)
    scene.hear("CANCEL")
    scene.hear("INVITE", 2, tag="unknown")
    scene.hear("SUBSCRIBE")
    scene.hear("OPTIONS")
    scene.hear("ACK")
    assert [message.status for message in scene.far.sent] == [481, 481, 481, 405, 200]


def test_garbage_is_counted_and_keep_alives_are_not() -> None:
    scene = Scene()
    scene.endpoint.receive(b"\r\n\r\n", SOURCE)
    scene.endpoint.receive(b"hello", SOURCE)
    assert (scene.endpoint.garbage, scene.far.sent) == (1, [])


def test_an_ended_call_is_forgotten_in_the_end() -> None:
    scene = Scene()
    scene.hear("INVITE")
    scene.endpoint.reject(scene.calls[0], 404)
    scene.clock.pass_time(120)
    scene.hear("INVITE")
    assert len(scene.calls) == 2
