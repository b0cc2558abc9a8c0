"""Metrics: the catalogue, counters as folds of facts, gauges, histograms, and the board of rows."""

from engine.metrics.board import MetricsBoard, Update
from engine.metrics.catalogue import CATALOGUE, METRICS, Metric, Scope, Window, is_metric
from engine.metrics.counters import Counters
from engine.metrics.gauges import (
    AgentGauges,
    CampaignGauges,
    Gauges,
    ListGauges,
    Row,
    TeamGauges,
    Value,
    merge,
)
from engine.metrics.histogram import Histogram

__all__ = [
    "CATALOGUE",
    "METRICS",
    "AgentGauges",
    "CampaignGauges",
    "Counters",
    "Gauges",
    "Histogram",
    "ListGauges",
    "Metric",
    "MetricsBoard",
    "Row",
    "Scope",
    "TeamGauges",
    "Update",
    "Value",
    "Window",
    "is_metric",
    "merge",
]
