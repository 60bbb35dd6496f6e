"""Getting deleted points out of a server's files.

Qdrant marks points as deleted, and rewrites a segment of 1,000 points or more when a fifth of them is. Here
it is told for a while to rewrite every segment with a deleted point. It leaves segments of fewer than 100
points alone, and of its log it keeps the piece that it writes to and the one before. So filler is written
first and deleted again: points enough for the segment, bytes enough for the log.
"""

import secrets
import time

from qdrant_client import models as q

from retrieval.qdrant.points import point_id
from retrieval.qdrant.remote import Remote

# What a server does by itself: share of deleted points, and points, from which on a segment is rewritten.
_USUAL = (0.2, 1000)
_ALWAYS = (0.0, 100)  # it accepts no fewer points

# For each shard. The collection's log is in pieces of 1 MiB.
_FILLERS = 128
_FILLER_BYTES = 1 << 15

# Seconds to wait for the server. On a large collection, or where it is written to all the time, it goes on
# with what it has begun, and what it had not begun stays for the next time.
_PATIENCE = 30.0
_LOOK_AGAIN = 0.1


def rewrite(remote: Remote, shards: int) -> bool:
    """Have every segment with a deleted point rewritten; return whether it was seen that none is left.

    `shards`: of the collection, or of each shard key.
    """
    _fill(remote, shards)
    remote.rewrite_from(*_ALWAYS)
    try:
        return _settled(remote)
    finally:
        remote.rewrite_from(*_USUAL)


def _fill(remote: Remote, shards: int) -> None:
    """Write filler to every shard, and delete it."""
    for owner in remote.an_owner_each():
        ids = [point_id(owner, "filler", number) for number in range(_FILLERS * shards)]
        remote.upsert(
            owner,
            [
                q.PointStruct(id=each, vector={}, payload={"filler": secrets.token_hex(_FILLER_BYTES // 2)})
                for each in ids
            ],
        )
        remote.delete(owner, ids)


def _settled(remote: Remote) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not remote.is_optimized():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN)
    return True
