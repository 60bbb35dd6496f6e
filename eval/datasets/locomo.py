"""The original LoCoMo file (Maharana et al. 2024, "Evaluating very long-term conversational memory")."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from eval.datasets.model import Conversation, Query, Unit

# The paper's code numbers its categories so; several repositories swap the first four.
TYPES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}

_TURN = re.compile(r"D\d+:\d+")


def is_locomo(data: Any) -> bool:
    """Say whether parsed JSON looks like LoCoMo."""
    return isinstance(data, list) and bool(data) and {"qa", "conversation"} <= set(data[0])


def read_locomo(data: list[dict[str, Any]]) -> Iterator[Conversation]:
    """Yield the conversations.

    An adversarial question has no evidence: nothing answers it as put. The turns that the source names
    for it state the fact about the other person; they are its traps. A question whose evidence can't be
    found, or that has none and isn't adversarial, is left out.
    """
    for place, sample in enumerate(data):
        units = tuple(_units(sample["conversation"]))
        known = {unit.id for unit in units}
        queries = (_query(number, row, known, len(units)) for number, row in enumerate(sample["qa"]))
        name = str(sample.get("sample_id", place))
        yield Conversation("locomo", name, units, tuple(query for query in queries if query))


def _units(conversation: dict[str, Any]) -> Iterator[Unit]:
    for number in count(1):
        session = f"session_{number}"
        if session not in conversation:
            return
        ts = _iso(str(conversation.get(f"{session}_date_time", "")))
        for turn in conversation[session]:
            caption = turn.get("blip_caption")
            text = f"{turn['text']} [shares {caption}]" if caption else str(turn["text"])
            yield Unit(str(turn["dia_id"]), session, ts, str(turn["speaker"]), text)


def _query(number: int, row: dict[str, Any], known: set[str], units: int) -> Query | None:
    # Some evidence fields hold several ids in one string, with spaces or semicolons between.
    named = [found for entry in row.get("evidence", []) for found in _TURN.findall(str(entry))]
    evidence = list(dict.fromkeys(unit for unit in named if unit in known))
    kind = TYPES.get(int(row["category"]), str(row["category"]))
    adversarial = kind == "adversarial"
    if not (evidence or adversarial):
        return None
    return Query(
        id=f"q{number}",
        type=kind,
        text=str(row["question"]),
        groups=() if adversarial else tuple((unit,) for unit in evidence),
        pool_end=units,
        trap=tuple(evidence) if adversarial else (),
        incomplete=len(evidence) < len(set(named)),
    )


def _iso(text: str) -> str | None:
    """Return "1:56 pm on 8 May, 2023" as ISO-8601."""
    try:
        return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").isoformat()  # noqa: DTZ007 - the source has no zone
    except ValueError:
        return None
