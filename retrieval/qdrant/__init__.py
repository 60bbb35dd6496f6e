"""The index on Qdrant: shared by replicas, vectors on the server, the rest in memory under a stamp."""

from retrieval.qdrant.collection import QdrantOptions
from retrieval.qdrant.index import QdrantIndex
from retrieval.qdrant.remote import Clients, connect

__all__ = ["Clients", "QdrantIndex", "QdrantOptions", "connect"]
