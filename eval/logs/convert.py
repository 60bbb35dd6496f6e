"""From a log to an evidence file."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from eval.logs.label import labelled
from eval.logs.read import read_log
from memory.errors import InvalidInputError


def convert(log: Path, out: Path, dataset: str) -> dict[str, Any]:
    """Write the evidence file; return how many users, turns and questions it has, by kind of label.

    Raises `InvalidInputError` where no question could be labelled: a run on it would measure nothing.
    """
    kinds: Counter[str] = Counter()
    turns_in_all, lines = 0, []
    for user, turns in read_log(log).items():
        found = labelled(turns)
        kinds.update(question.how for question in found)
        turns_in_all += len(turns)
        units = [
            {"id": t.id, "session": t.session, "ts": t.ts, "role": t.role, "text": t.text} for t in turns
        ]
        queries = [
            {
                "id": question.id,
                "type": question.how,
                "text": question.text,
                "ts": question.ts,
                "gold": list(question.gold),
                "pool_end": question.pool_end,
                "weak": question.how != "named",
            }
            for question in found
        ]
        lines.append({"dataset": dataset, "conversation": user, "units": units, "queries": queries})
    if not kinds:
        raise InvalidInputError(
            f"{log.name}: no answer draws on an earlier session as far as words tell; name evidence by events"
        )
    with out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return {"users": len(lines), "turns": turns_in_all, "questions": dict(kinds)}
