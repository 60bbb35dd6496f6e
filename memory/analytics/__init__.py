"""Analytics: what a tenant's sessions are about and how they go, from the ledger, without any text."""

from memory.analytics.intents import intents
from memory.analytics.quality import quality
from memory.analytics.shares import wilson

__all__ = ["intents", "quality", "wilson"]
