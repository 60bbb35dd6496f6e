"""A small conversation, written for the tests."""

import json
from pathlib import Path

from eval.datasets.model import Conversation, Query, Unit

TEXTS = (
    ("s1", "user", "The launch is on 14 May, in Lisbon."),
    ("s1", "assistant", "Noted: launch on 14 May."),
    ("s2", "user", "My sister keeps three red hens behind the barn."),
    ("s2", "assistant", "Hens need a dry coop."),
    ("s3", "Ann Lee", "The budget for posters is 900 euros."),
    ("s3", "Bo", "Then 450 posters at two euros each."),
)
UNITS = tuple(
    Unit(f"{session}:{place}", session, f"2026-03-0{session[1]}T09:0{place}:00", role, text)
    for place, (session, role, text) in enumerate(TEXTS)
)


def query(name: str, text: str, *gold: str, end: int = 6) -> Query:
    """Return a question with turn-level gold."""
    return Query(name, "fact", text, tuple((unit,) for unit in gold), end)


QUERIES = (
    query("posters", "How much is the posters budget?", "s3:4"),
    query("hens", "How many hens does my sister keep?", "s2:2", end=4),
    query("both", "When is the launch and what do posters cost?", "s1:0", "s3:5"),
    query("nothing", "What is the name of the dog?"),
)
CONVERSATION = Conversation("sample", "c1", UNITS, QUERIES)


def write_sample(path: Path, conversations: int = 1) -> Path:
    """Write copies of the conversation in the evidence format."""
    units = [{"id": u.id, "session": u.session, "ts": u.ts, "role": u.role, "text": u.text} for u in UNITS]
    queries = [
        {"id": q.id, "type": q.type, "text": q.text, "gold": sorted(q.gold), "pool_end": q.pool_end}
        for q in QUERIES
    ]
    lines = [
        json.dumps({"dataset": "sample", "conversation": f"c{n}", "units": units, "queries": queries})
        for n in range(conversations)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
