"""The embedded index: exact search per scope, in memory, over a file that can be rebuilt."""

from retrieval.embedded.index import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
