"""Risk: flags that grow over a conversation, and what is advised."""

from memory.risk.flags import RiskFlag, RiskFlags, RiskReport, RiskState
from memory.risk.policies import POLICIES, Policy, load_policies

__all__ = ["POLICIES", "Policy", "RiskFlag", "RiskFlags", "RiskReport", "RiskState", "load_policies"]
