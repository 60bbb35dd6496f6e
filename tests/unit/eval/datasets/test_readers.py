"""Every supported file is read as one thing."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import read
from eval.datasets.turns import created_at, new_turn, spoken
from memory.errors import InvalidInputError
from memory.times import to_datetime
from memory.turns import spoken_by

UNITS = [
    {
        "id": "s1:0",
        "session": "s1",
        "ts": "2026-03-02T09:00:00",
        "role": "user",
        "text": "Launch is on 14 May.",
    },
    {"id": "s1:1", "session": "s1", "ts": "2026-03-02T09:01:00", "role": "assistant", "text": "Noted."},
    {"id": "s2:0", "session": "s2", "ts": None, "role": "Ann Lee", "text": "I moved it to June."},
]


def line(**query: Any) -> str:
    """Return an evidence line with one query."""
    full = {"id": "q1", "type": "fact", "text": "When?", "gold": ["s1:0"], "pool_end": None, **query}
    return json.dumps({"dataset": "mine", "conversation": "c1", "units": UNITS, "queries": [full]})


def test_plain_and_gzipped_are_the_same(tmp_path: Path) -> None:
    """Both readings agree."""
    (tmp_path / "a.jsonl").write_text(line() + "\n\n")
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write(line())

    assert read(tmp_path / "a.jsonl") == read(tmp_path / "a.jsonl.gz")
    conversation = read(tmp_path / "a.jsonl")[0]
    assert conversation.queries[0].groups == (("s1:0",),)
    assert len(conversation.pool(conversation.queries[0])) == 3


def test_groups_sessions_and_spans(tmp_path: Path) -> None:
    """Labelled groups count as given; session-level gold is one group a session."""
    path = tmp_path / "a.jsonl"
    both = ["s1:0", "s1:1", "s2:0"]
    rows = [
        line(gold=both, gold_groups=[["s1:0", "s2:0"]], gold_level="item", gold_dropped=["x"]),
        line(gold=both, gold_level="session", gold_spans={"s1:0": [[13, 19]]}, also=["s2:0"]),
        line(gold=[], pool_end=1, trap=["s1:0"]),
    ]
    path.write_text("\n".join(rows))
    first, second, third = (conversation.queries[0] for conversation in read(path))

    assert first.groups == (("s1:0", "s2:0"),)
    assert first.incomplete
    assert second.groups == (("s1:0", "s1:1"), ("s2:0",))
    assert second.spans == {"s1:0": ((13, 19),)}
    assert not second.incomplete
    assert (third.groups, third.pool_end, third.trap) == ((), 1, ("s1:0",))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"gold": ["nowhere"]}, "not in the conversation"),
        ({"gold": ["s1:1"], "pool_end": 1}, "comes after pool_end"),
        ({"pool_end": 9}, "beyond the 3 units"),
        ({"pool_end": 0}, "pool_end"),
        ({"text": None}, "text"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, query: dict[str, Any], message: str) -> None:
    """The error says which line of which file, and what is wrong with it."""
    path = tmp_path / "bad.jsonl"
    path.write_text(line() + "\n" + line(**query))

    with pytest.raises(InvalidInputError, match=rf"(?s)bad\.jsonl, line 2.*{message}"):
        read(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Absent, empty and foreign files say so."""
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "other.json").write_text('[{"a": 1}]')

    with pytest.raises(InvalidInputError, match="no file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInputError, match="no conversation"):
        read(tmp_path / "empty.jsonl")
    with pytest.raises(InvalidInputError, match="neither LoCoMo nor LongMemEval"):
        read(tmp_path / "other.json")


def test_original_locomo(tmp_path: Path) -> None:
    """Joined ids are parted, captions are words of the turn, adversarial questions have no evidence."""
    sample = {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ann",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "Look!", "blip_caption": "a red kite"},
                {"speaker": "Bo", "dia_id": "D1:2", "text": "Nice."},
            ],
        },
        "qa": [
            {"question": "What flew?", "evidence": ["D1:1; D1:2"], "category": 1},
            {"question": "What did Bo fly?", "evidence": ["D1:1"], "category": 5},
            {"question": "Lost?", "evidence": ["D1:1", "D9:9"], "category": 4},
            {"question": "Unlabelled?", "evidence": [], "category": 3},
        ],
    }
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([sample]))
    conversation = read(path)[0]

    assert conversation.units[0].text == "Look! [shares a red kite]"
    assert conversation.units[0].ts == "2023-05-08T13:56:00"
    assert [query.type for query in conversation.queries] == ["multi-hop", "adversarial", "single-hop"]
    assert conversation.queries[0].groups == (("D1:1",), ("D1:2",))
    assert (conversation.queries[1].groups, conversation.queries[1].trap) == ((), ("D1:1",))
    assert conversation.queries[2].incomplete


def test_original_longmemeval_is_renamed(tmp_path: Path) -> None:
    """Ids that give the evidence away are never seen by a system; sessions come by date."""
    row = {
        "question_id": "852",
        "question_type": "knowledge-update",
        "question": "How much?",
        "question_date": "2023/12/18 (Mon) 04:17",
        "haystack_dates": ["2023/08/11 (Fri) 00:01", "2023/07/12 (Wed) 10:14"],
        "haystack_session_ids": ["answer_3a6f_1", "ultrachat_1"],
        "haystack_sessions": [
            [{"role": "user", "content": "It was 350.", "has_answer": True}],
            [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}],
        ],
    }
    path = tmp_path / "lme.json"
    path.write_text(json.dumps([row, {**row, "question_id": "853_abs"}]))
    answerable, abstention = read(path)

    assert [unit.id for unit in answerable.units] == ["s000:0", "s000:1", "s001:0"]
    assert "answer" not in json.dumps([[unit.id, unit.session] for unit in answerable.units])
    assert answerable.queries[0].groups == (("s001:0",),)
    assert abstention.queries[0].groups == ()


def test_units_as_turns(tmp_path: Path) -> None:
    """Known roles stay, people become users by name, records are the user's own; time is kept."""
    (tmp_path / "a.jsonl").write_text(line())
    user, assistant, person = read(tmp_path / "a.jsonl")[0].units

    assert [spoken_by(unit.role) for unit in (user, assistant, person)] == [
        ("user", None),
        ("assistant", None),
        ("user", "Ann Lee"),
    ]
    assert spoken(person) == "Ann Lee: I moved it to June."
    assert to_datetime(created_at(user, 0)).isoformat() == "2026-03-02T09:00:00+00:00"
    assert created_at(person, 1) - created_at(person, 0) == 60_000_000
    assert new_turn(person, 2).speaker == "Ann Lee"
