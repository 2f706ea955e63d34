"""Read-only questions about the work. Every number is computed here and nowhere else."""

from calls.insight.figures import Feed, Figures, Health, Pulse, figures, health, pulse
from calls.insight.people import AgentLine, Unfinished, agents, unfinished

__all__ = [
    "AgentLine",
    "Feed",
    "Figures",
    "Health",
    "Pulse",
    "Unfinished",
    "agents",
    "figures",
    "health",
    "pulse",
    "unfinished",
]
