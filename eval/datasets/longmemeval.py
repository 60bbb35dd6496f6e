"""The original LongMemEval files (Wu et al. 2024): one question a haystack."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from eval.datasets.model import Conversation, Query, Unit


def is_longmemeval(data: Any) -> bool:
    """Say whether parsed JSON looks like LongMemEval."""
    return isinstance(data, list) and bool(data) and {"haystack_sessions", "question_id"} <= set(data[0])


def read_longmemeval(data: list[dict[str, Any]]) -> Iterator[Conversation]:
    """Yield one conversation a question.

    Sessions and turns are renamed (`s017:3`): in the source the ids of evidence sessions begin with
    `answer_`, which would give them away to a ranker that sees ids. Sessions are put in the order of
    their dates. Question ids that end in `_abs` have no answer in the haystack.
    """
    for row in data:
        units, evidence = _units(row)
        unanswerable = str(row["question_id"]).endswith("_abs")
        query = Query(
            id="q",
            type="abstention" if unanswerable else str(row["question_type"]),
            text=str(row["question"]),
            groups=() if unanswerable else tuple((unit,) for unit in evidence),
            pool_end=len(units),
            ts=_iso(str(row.get("question_date", ""))),
            trap=tuple(evidence) if unanswerable else (),
        )
        # Without a labelled turn the evidence is unknown, which is not the same as absent.
        queries = (query,) if unanswerable or evidence else ()
        yield Conversation("longmemeval", str(row["question_id"]), tuple(units), queries)


def _units(row: dict[str, Any]) -> tuple[list[Unit], list[str]]:
    """Return the haystack's turns and the ids of those that hold the answer."""
    sessions = list(zip(row["haystack_dates"], row["haystack_sessions"], strict=True))
    sessions.sort(key=lambda pair: _iso(str(pair[0])) or "")
    units: list[Unit] = []
    evidence: list[str] = []
    for number, (date, turns) in enumerate(sessions):
        name = f"s{number:03}"
        for place, turn in enumerate(turns):
            units.append(
                Unit(f"{name}:{place}", name, _iso(str(date)), str(turn["role"]), str(turn["content"]))
            )
            if turn.get("has_answer"):
                evidence.append(units[-1].id)
    return units, evidence


def _iso(text: str) -> str | None:
    """Return "2023/07/12 (Wed) 10:14" as ISO-8601."""
    try:
        return datetime.strptime(text.strip(), "%Y/%m/%d (%a) %H:%M").isoformat()  # noqa: DTZ007 - the source has no zone
    except ValueError:
        return None
