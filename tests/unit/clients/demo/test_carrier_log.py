"""What the carrier's log says about instants."""

from clients.demo.carrier import Log


def test_invites_are_counted_after_an_instant() -> None:
    log = Log(invites_s=[10.0, 11.0, 12.5])
    assert (log.invites_after(11.0), log.invites_after(12.5), log.invites_after(0)) == (1, 0, 3)
    assert log.first_after(10.5) == 11.0
    assert log.first_after(13.0) is None
