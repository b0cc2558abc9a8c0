"""Profiles of TLS that follow their files."""

from pathlib import Path

import pytest
import trustme

from engine.telephony.sip.tls import TlsFiles, TlsFilesError, TlsProfile
from engine.telephony.sip.tls_profiles import TlsProfiles


class Shelf:
    """Profiles, their file, and which of them changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "own.pem"
        self.write()
        self.changed: list[str] = []
        self.profiles = TlsProfiles(self.changed.append)

    def write(self) -> None:
        """Write another certificate."""
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(self.path)

    def make(self, name: str = "") -> TlsProfile:
        return TlsProfile.of(TlsFiles(certificate=str(self.path), serves=True), name)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_first_profile_of_a_key_changes_nothing_and_nor_does_the_same_again(
    shelf: Shelf,
) -> None:
    shelf.profiles.set("a", shelf.make())
    kept = shelf.profiles.find("a")
    shelf.profiles.set("a", shelf.make())
    assert shelf.profiles.find("a") is kept
    assert shelf.profiles.renew() == 0
    assert shelf.changed == []
    assert shelf.profiles.find("b") is None


def test_another_name_or_other_files_change_it(shelf: Shelf) -> None:
    shelf.profiles.set("a", shelf.make())
    shelf.profiles.set("a", shelf.make("sip.example.net"))
    other = TlsProfile.of(TlsFiles(ca=str(shelf.path)))
    shelf.profiles.set("a", other)
    assert shelf.profiles.find("a") is other
    assert shelf.changed == ["a", "a"]


def test_a_changed_file_is_read_anew_once(shelf: Shelf) -> None:
    shelf.profiles.set("a", shelf.make("its name"))
    old = shelf.profiles.find("a")
    shelf.write()
    assert [shelf.profiles.renew() for _ in range(2)] == [0, 0]
    new = shelf.profiles.find("a")
    assert old is not None
    assert new is not None
    assert new.context is not old.context
    assert new.name == "its name"
    assert shelf.changed == ["a"]


def test_a_wrong_file_leaves_the_profile_until_it_is_right(shelf: Shelf) -> None:
    shelf.profiles.set("a", shelf.make())
    old = shelf.profiles.find("a")
    shelf.path.write_text("half of a cert", encoding="ascii")
    assert shelf.profiles.renew() == 1
    shelf.path.unlink()
    assert shelf.profiles.renew() == 1
    assert shelf.profiles.find("a") is old
    shelf.write()
    assert shelf.profiles.renew() == 0
    assert shelf.changed == ["a"]


def test_one_without_files_never_changes_by_itself(shelf: Shelf) -> None:
    context = shelf.make().context
    shelf.profiles.set("a", TlsProfile(context))
    shelf.profiles.set("a", TlsProfile(context))
    assert shelf.profiles.renew() == 0
    shelf.profiles.set("a", TlsProfile(context, "another"))
    assert shelf.changed == ["a"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsFilesError, match=r"gone\.pem"):
        TlsProfile.of(TlsFiles(ca=str(tmp_path / "gone.pem")))
