"""The campaign: runs and stops, makes attempts, and sees each through to its one outcome."""

from engine.actors.campaign.behavior import CampaignBehavior

__all__ = ["CampaignBehavior"]
