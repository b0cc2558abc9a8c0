"""Each method of the API has a permission (invariant X1)."""

from pathlib import Path

import pytest

from gateway import permissions, server
from gateway.permissions import METHODS, PERMISSIONS, SCOPED, SERVICES, missing_permissions

ROOT = Path(__file__).resolve().parents[2]


def test_every_method_has_a_permission() -> None:
    assert missing_permissions(SERVICES, PERMISSIONS) == []


def test_the_table_names_no_method_that_does_not_exist() -> None:
    methods = {f"/{service.full_name}/{m.name}" for service in SERVICES for m in service.methods}
    assert set(PERMISSIONS) == methods
    assert sum(map(len, METHODS.values())) == len(PERMISSIONS), "a method has two permissions"


def test_methods_that_honour_campaigns_exist() -> None:
    assert set(PERMISSIONS) >= SCOPED


def test_services_of_every_proto_file_are_known() -> None:
    files = (ROOT / "proto" / "paceline" / "v1").glob("*.proto")
    declared = sum(path.read_text(encoding="utf-8").count("\nservice ") for path in files)
    assert declared == len(SERVICES)


def test_a_method_without_a_permission_does_not_start_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = {name: p for name, p in PERMISSIONS.items() if not name.endswith("/StopCampaign")}
    monkeypatch.setattr(server, "PERMISSIONS", fewer)
    with pytest.raises(RuntimeError, match="CampaignService/StopCampaign"):
        server.Gateway([], listen="127.0.0.1:0")


def test_reading_and_changing_have_permissions_of_their_own() -> None:
    for method, permission in permissions.PERMISSIONS.items():
        verb = method.rpartition("/")[2]
        if verb.startswith(("Create", "Update", "Delete", "Start", "Stop", "Add", "Remove", "Set")):
            assert not permission.endswith(".view"), method
