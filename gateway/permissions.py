"""Which permission each method needs: complete, or the server does not start."""

from collections.abc import Iterable

from google.protobuf.descriptor import ServiceDescriptor

from gateway.pb.paceline.v1 import (
    agents_pb2,
    campaigns_pb2,
    dnc_pb2,
    engine_pb2,
    events_pb2,
    lists_pb2,
    metrics_pb2,
    pacing_pb2,
    recordings_pb2,
    supervision_pb2,
    teams_pb2,
    trunks_pb2,
)

SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (
        agents_pb2,
        campaigns_pb2,
        dnc_pb2,
        engine_pb2,
        events_pb2,
        lists_pb2,
        metrics_pb2,
        pacing_pb2,
        recordings_pb2,
        supervision_pb2,
        teams_pb2,
        trunks_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)
"""Every service of the API."""

METHODS: dict[str, tuple[str, ...]] = {
    "agents.configure": (
        "AgentService/CreateAgent",
        "AgentService/UpdateAgent",
        "AgentService/DeleteAgent",
    ),
    "agents.control": ("AgentService/SetAgentState",),
    "agents.view": (
        "AgentService/GetAgent",
        "AgentService/ListAgents",
    ),
    "agents.work": ("AgentService/AgentSession",),
    "campaigns.configure": (
        "CampaignService/CreateCampaign",
        "CampaignService/UpdateCampaign",
        "CampaignService/DeleteCampaign",
    ),
    "campaigns.control": (
        "CampaignService/StartCampaign",
        "CampaignService/StopCampaign",
        "CampaignService/EnableList",
        "CampaignService/DisableList",
        "CampaignService/UpdateCampaignList",
        "CampaignService/AddTeam",
        "CampaignService/RemoveTeam",
        "CampaignService/SetPacing",
    ),
    "campaigns.view": (
        "CampaignService/GetCampaign",
        "CampaignService/ListCampaigns",
        "CampaignService/ExplainCampaign",
    ),
    "dnc.change": (
        "DncService/AddDncNumbers",
        "DncService/RemoveDncNumbers",
    ),
    "dnc.view": (
        "DncService/CheckDncNumber",
        "DncService/ListDncNumbers",
    ),
    "engine.control": ("EngineService/DrainEngine",),
    "engine.view": ("EngineService/GetEngine",),
    "events.view": (
        "EventService/WatchEvents",
        "EventService/ListEvents",
    ),
    "lists.configure": (
        "ListService/CreateList",
        "ListService/UpdateList",
        "ListService/DeleteList",
    ),
    "lists.import": (
        "ListService/ImportList",
        "ListService/ListImportErrors",
    ),
    "lists.view": (
        "ListService/GetList",
        "ListService/ListLists",
    ),
    "metrics.view": (
        "MetricsService/ListMetrics",
        "MetricsService/GetMetrics",
        "MetricsService/WatchMetrics",
    ),
    "pacing.view": (
        "PacingService/WatchPacing",
        "PacingService/ReportPacing",
    ),
    "recordings.delete": ("RecordingService/DeleteRecording",),
    "recordings.listen": (
        "RecordingService/DownloadRecording",
        "RecordingService/PlayRecording",
    ),
    "recordings.start": (
        "RecordingService/StartRecording",
        "RecordingService/ResumeRecording",
    ),
    "recordings.stop": (
        "RecordingService/StopRecording",
        "RecordingService/PauseRecording",
    ),
    "recordings.view": (
        "RecordingService/ListRecordings",
        "RecordingService/GetRecording",
    ),
    "records.change": ("ListService/ResetRecord",),
    "records.view": (
        "ListService/GetRecord",
        "ListService/ListRecords",
        "ListService/ExplainRecord",
    ),
    "supervision.join": ("SupervisionService/Supervise",),
    "supervision.view": ("SupervisionService/ListSupervisionSessions",),
    "teams.configure": (
        "TeamService/CreateTeam",
        "TeamService/UpdateTeam",
        "TeamService/DeleteTeam",
    ),
    "teams.view": (
        "TeamService/GetTeam",
        "TeamService/ListTeams",
    ),
    "trunks.configure": (
        "TrunkService/CreateTrunk",
        "TrunkService/UpdateTrunk",
        "TrunkService/DeleteTrunk",
    ),
    "trunks.view": (
        "TrunkService/GetTrunk",
        "TrunkService/ListTrunks",
    ),
}
"""The methods that each permission opens."""

PERMISSIONS: dict[str, str] = {
    f"/paceline.v1.{method}": permission
    for permission, methods in METHODS.items()
    for method in methods
}
"""Permission by full method name; what has none is refused."""

SCOPED: frozenset[str] = frozenset(
    f"/paceline.v1.RecordingService/{method}"
    for method in (
        "ListRecordings",
        "GetRecording",
        "DeleteRecording",
        "DownloadRecording",
        "PlayRecording",
        "StartRecording",
        "StopRecording",
        "PauseRecording",
        "ResumeRecording",
    )
)
"""Methods that honour a caller's campaigns; to others a caller limited to some has no access."""


def missing_permissions(
    services: Iterable[ServiceDescriptor], permissions: dict[str, str]
) -> list[str]:
    """Return the full names of methods that the table does not name, sorted."""
    names = (
        f"/{service.full_name}/{method.name}" for service in services for method in service.methods
    )
    return sorted(name for name in names if name not in permissions)
