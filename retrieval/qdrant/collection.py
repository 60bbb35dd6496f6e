"""The collection of an encoder, and the alias that says which one is current."""

import re
from dataclasses import asdict, dataclass
from hashlib import blake2b

from qdrant_client import QdrantClient
from qdrant_client import models as q
from qdrant_client.http.exceptions import UnexpectedResponse

from memory.errors import EncoderMismatchError, SetupError
from retrieval.index.port import IndexSettings
from retrieval.qdrant.remote import Clients, Remote, answering, shard_key

DENSE = "dense"
TOKENS = "tokens"

# What points are found by: whose they are, and which turn and session they are of; `marks` is in
# points without vectors that stamp a scope's state.
_INDEXES: dict[str, q.PayloadSchemaParams] = {
    "owner": q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD, is_tenant=True),
    "marks": q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD),
    "key": q.IntegerIndexParams(type=q.IntegerIndexType.INTEGER, lookup=True, range=True),
    "session": q.IntegerIndexParams(type=q.IntegerIndexType.INTEGER, lookup=True, range=False),
}

_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class QdrantOptions:
    """How a collection is laid out on the servers.

    alias: name of the index. replicas: copies of every shard. write_consistency: copies that must have
    a write before it counts; 0 = a majority. shards: of the collection, or of each shard key.
    shard_keys: 0 = points are spread over all shards; else all points of a user are under one of as
    many keys.
    """

    alias: str = "satchel"
    replicas: int = 1
    write_consistency: int = 0
    shards: int = 1
    shard_keys: int = 0


def open_collection(
    clients: Clients, settings: IndexSettings, code_dim: int, options: QdrantOptions, *, beside: bool = False
) -> Remote:
    """Return the alias's collection, or a new one where there is no alias yet.

    `beside`: the collection of these settings, whichever the alias is of.

    Raises `EncoderMismatchError` where it was built with other settings, `UnavailableError` where the
    server doesn't answer.
    """
    client = clients.writes
    current = None if beside else _behind(client, options.alias)
    name = current or collection_name(settings, options)
    with answering():
        there = current is not None or client.collection_exists(name)
    if not there:
        _make(client, name, settings, code_dim, options)
    if current is None:  # also where an earlier try was cut off after it had made the collection
        _index_payloads(client, name)
    _check(client, name, settings, options)
    consistency = q.ReadConsistencyType.MAJORITY if options.replicas > 1 else None
    return Remote(clients, name, shard_keys=options.shard_keys, consistency=consistency)


def is_published(client: QdrantClient, options: QdrantOptions) -> bool:
    """Tell whether the alias is there: an index that is not was never completed."""
    return _behind(client, options.alias) is not None


def publish(client: QdrantClient, collection: str, options: QdrantOptions) -> None:
    """Point the alias at the collection, in one step wherever it pointed before."""
    create = q.CreateAlias(collection_name=collection, alias_name=options.alias)
    actions: list[q.AliasOperations] = [q.CreateAliasOperation(create_alias=create)]
    if _behind(client, options.alias) is not None:
        actions.insert(0, q.DeleteAliasOperation(delete_alias=q.DeleteAlias(alias_name=options.alias)))
    with answering():
        client.update_collection_aliases(actions)


def remove(client: QdrantClient, collection: str) -> None:
    """Delete the collection."""
    with answering():
        client.delete_collection(collection)


def collection_name(settings: IndexSettings, options: QdrantOptions) -> str:
    """Return the name of the collection of these settings."""
    digest = blake2b(repr(settings).encode(), digest_size=6).hexdigest()
    return f"{options.alias}-{digest}"


def others(client: QdrantClient, current: str, options: QdrantOptions) -> list[str]:
    """Return the other collections of this alias, of other settings: what is being built, or was left."""
    with answering():
        found = [each.name for each in client.get_collections().collections]
    named = re.compile(re.escape(options.alias) + "-[0-9a-f]{12}")
    return [name for name in found if named.fullmatch(name) and name != current]


def drop(client: QdrantClient, collection: str) -> None:
    """Delete a collection with all that is in it."""
    with answering():
        client.delete_collection(collection)


def _behind(client: QdrantClient, alias: str) -> str | None:
    with answering():
        aliases = client.get_aliases().aliases
    return next((each.collection_name for each in aliases if each.alias_name == alias), None)


def _make(
    client: QdrantClient, name: str, settings: IndexSettings, code_dim: int, options: QdrantOptions
) -> None:
    majority = options.replicas // 2 + 1
    with answering():
        try:
            client.create_collection(
                name,
                vectors_config=_vectors(settings.dim, code_dim),
                # A graph for each tenant, none over all of them: every search is of one.
                hnsw_config=q.HnswConfigDiff(m=0, payload_m=16),
                # The log is dropped by pieces; small ones hold what was deleted for a shorter while.
                wal_config=q.WalConfigDiff(wal_capacity_mb=1),
                shard_number=options.shards,
                sharding_method=q.ShardingMethod.CUSTOM if options.shard_keys else None,
                replication_factor=options.replicas,
                write_consistency_factor=options.write_consistency or majority,
                on_disk_payload=True,
                metadata=asdict(settings),
            )
        except UnexpectedResponse as error:
            if error.status_code != _CONFLICT:  # another replica made it a moment ago
                raise
        for number in range(options.shard_keys):
            client.create_shard_key(name, shard_key(number))


def _index_payloads(client: QdrantClient, name: str) -> None:
    """Make the payload indexes; those that are there already stay."""
    with answering():
        for field, schema in _INDEXES.items():
            client.create_payload_index(name, field, schema, wait=True)


def _vectors(dim: int, code_dim: int) -> dict[str, q.VectorParams]:
    scalar = q.ScalarQuantizationConfig(type=q.ScalarType.INT8, quantile=0.99, always_ram=True)
    late = q.MultiVectorConfig(comparator=q.MultiVectorComparator.MAX_SIM)
    return {
        DENSE: q.VectorParams(
            size=dim,
            distance=q.Distance.DOT,
            datatype=q.Datatype.FLOAT16,
            on_disk=True,
            quantization_config=q.ScalarQuantization(scalar=scalar),
        ),
        # Codes are whole numbers up to 127, which half precision holds exactly. They only rerank, so
        # they need no graph.
        TOKENS: q.VectorParams(
            size=code_dim,
            distance=q.Distance.DOT,
            datatype=q.Datatype.FLOAT16,
            on_disk=True,
            multivector_config=late,
            hnsw_config=q.HnswConfigDiff(m=0, payload_m=0),
        ),
    }


def _check(client: QdrantClient, name: str, settings: IndexSettings, options: QdrantOptions) -> None:
    with answering():
        found = client.get_collection(name).config.metadata
    if not found:
        raise SetupError(
            f"the collection {name} says nothing of its encoder: it was not made by Satchel, or by a Qdrant "
            "before 1.16. Set SATCHEL_QDRANT_COLLECTION to another name"
        )
    wanted = asdict(settings)
    if found != wanted:
        parts = [
            f"{field} {found.get(field)!r} instead of {value!r}"
            for field, value in wanted.items()
            if found.get(field) != value
        ]
        raise EncoderMismatchError(
            f"the collection {name} was built with {', '.join(parts)}. Start with the encoder it was built "
            "with, and run `satchel reindex` with these settings beside the service: it builds the new "
            f"index, and {options.alias!r} names it then"
        )
