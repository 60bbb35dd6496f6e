"""Data to judge by: conversations, questions about them, and where the evidence is."""

from eval.datasets.model import Conversation, Query, Unit
from eval.datasets.read import read

__all__ = ["Conversation", "Query", "Unit", "read"]
