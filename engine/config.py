"""Settings of an engine: frozen, each with its unit in its name; unknown keys are errors."""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from engine.domain.refusals import InvalidRequestError


class Section(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SipSettings(Section):
    """Where SIP and RTP are spoken."""

    host: str = Field("127.0.0.1", description="Address to bind and to show to peers.")
    advertised_host: str = Field(
        "", description="IP address of SIP shown to peers instead (1:1 NAT); empty: the one bound."
    )
    port: int = Field(5060, ge=0, le=65_535, description="UDP and TCP port of SIP; 0: any free.")
    tcp: bool = Field(True, description="Whether peers may connect by TCP, at the same port.")
    tls_port: int | None = Field(
        None, ge=0, le=65_535, description="TLS port of SIP, usually 5061; 0: any free; None: none."
    )
    tls_certificate: str = Field("", description="PEM file of our certificate, its chain after it.")
    tls_key: str = Field("", description="PEM file of its key; empty: in the certificate's file.")
    tls_client_ca: str = Field(
        "", description="PEM file of authorities; peers must show a certificate of theirs."
    )
    phone_srtp: Literal["off", "offered", "required"] = Field(
        "offered", description="Encrypted audio with agents' phones; keys go over TLS alone."
    )
    connections: int = Field(4_096, ge=1, description="Most TCP and TLS connections of peers.")
    connections_per_source: int = Field(1_024, ge=1, description="Most of them from one address.")
    name_server: str = Field(
        "", description="ADDRESS or ADDRESS:PORT of the DNS server asked; empty: the system's."
    )
    media_host: str = Field("", description="Address of RTP; empty: the SIP address.")
    media_advertised_host: str = Field(
        "", description="IPv4 address of RTP shown in SDP instead (1:1 NAT); empty: the one bound."
    )
    media_ports: int = Field(64, ge=2, le=4_096, description="UDP ports in the RTP pool.")
    media_processes: int = Field(
        1, ge=0, le=64, description="Media processes; 0: one less than there are cores."
    )
    media_base_port: int = Field(0, ge=0, le=65_000, description="First RTP port; 0: any.")
    realm: str = Field("paceline", description="Realm of the registrar for agents' phones.")
    rtp_silence_s: float = Field(30.0, gt=0, description="Leg without RTP for so long is lost.")

    @field_validator("name_server")
    @classmethod
    def _numeric(cls, value: str) -> str:
        host, _, port = value.partition(":") if value.count(":") == 1 else (value, "", "53")
        if value:
            ip_address(host.strip("[]"))
            if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
                raise ValueError(f"{value!r} is not ADDRESS or ADDRESS:PORT")
        return value

    @field_validator("advertised_host", "media_advertised_host")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        if value:
            shown = ip_address(value)
            if shown.is_unspecified or (
                shown.version != 4 and info.field_name != "advertised_host"
            ):
                raise ValueError(f"{value!r} is no address that peers could send to")
        return value

    @model_validator(mode="after")
    def _whole_tls(self) -> "SipSettings":
        if self.tls_port is not None and not self.tls_certificate:
            raise ValueError("tls_port needs tls_certificate")
        if self.tls_port is None and self.tls_client_ca:
            raise ValueError("tls_client_ca needs tls_port")
        return self


class StoreSettings(Section):
    """Where state is kept."""

    url: str = Field("sqlite:paceline.db", description="sqlite:PATH, or memory: (nothing kept).")
    commit_every_s: float = Field(0.004, ge=0, le=1, description="Longest wait for a group.")


class RecordingSettings(Section):
    """Which calls are recorded, and how recordings are kept."""

    directory: str = Field("", description="Folder of recordings; empty: beside the store.")
    encrypt: bool = Field(True, description="Whether recordings are sealed with a key.")
    key_file: str = Field("", description="The key, made when missing; empty: beside the store.")
    format: Literal["flac", "wav"] = Field("flac", description="What is kept after a call.")
    retention_days: int = Field(0, ge=0, le=36_500, description="Kept so long; 0: until deleted.")
    record: Literal["none", "all"] = Field("none", description="Unless a campaign or agent says.")
    during_monitoring: bool = Field(True, description="Record while a supervisor listens.")
    required: bool = Field(
        False, description="No call that must be recorded begins while none can be."
    )
    memory_mb: int = Field(32, ge=1, le=1024, description="Shared memory per media process.")


class UserSettings(Section):
    """What one user of the API may do."""

    permissions: tuple[str, ...] = Field(("*",), description="Names, or patterns: recordings.*")
    campaigns: tuple[str, ...] | None = Field(None, description="Of these alone; absent: of all.")


class AccessSettings(Section):
    """Who may use the API."""

    users: dict[str, UserSettings] = Field(
        {}, description="By name; without any, whoever reaches the API may do everything."
    )


class PacingSettings(Section):
    """How often pacing decides."""

    tick_s: float = Field(0.25, gt=0, le=1, description="Period of decisions.")


class EngineSettings(Section):
    """All settings of one engine.

    Attributes:
        cell: Name of the cell, part of every generated id.
        zone: The contact centre's zone: schedules and the daily reset.
        reset_s: Daily statistics reset. [s after local midnight]
        sip: SIP and RTP.
        store: Durable state.
        pacing: Decisions.
        recording: Which calls are recorded, and how recordings are kept.
        access: Who may use the API.
        mailbox_limit: Messages that may wait for one actor.
        drain_s: Longest orderly stop. [s]
        seed: Seed of all randomness of the engine.
    """

    cell: str = Field("a1", pattern=r"^[a-z0-9]{1,8}$")
    zone: str = "UTC"
    reset_s: int = Field(0, ge=0, lt=86_400)
    sip: SipSettings = SipSettings()
    store: StoreSettings = StoreSettings()
    pacing: PacingSettings = PacingSettings()
    recording: RecordingSettings = RecordingSettings()
    access: AccessSettings = AccessSettings()
    mailbox_limit: int = Field(10_000, ge=16)
    drain_s: float = Field(10.0, ge=0)
    seed: int = 1

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not an IANA time zone")
        return value

    @property
    def zone_info(self) -> ZoneInfo:
        """The contact centre's zone."""
        return ZoneInfo(self.zone)


def load_settings(path: Path | None, **overrides: object) -> EngineSettings:
    """Read settings from a TOML file, with single sections replaced.

    Args:
        path: The file; None: defaults.
        **overrides: Top-level values that replace those of the file.

    Raises:
        InvalidRequestError: The file is unreadable, or a value or key is wrong; it says which.
    """
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidRequestError(f"{path}: {error}", slug="invalid-config") from error
    try:
        return EngineSettings.model_validate(values | overrides)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
        raise InvalidRequestError(
            f"{path or 'settings'}: {wrong}", slug="invalid-config"
        ) from error
