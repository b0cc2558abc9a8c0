"""The agent: login, states, offers, calls, after-call work, previews, supervision."""

from engine.actors.agent.after_call import LAST_ACW_S
from engine.actors.agent.behavior import AgentBehavior
from engine.actors.agent.states import LOGIN_RING_S

__all__ = ["LAST_ACW_S", "LOGIN_RING_S", "AgentBehavior"]
