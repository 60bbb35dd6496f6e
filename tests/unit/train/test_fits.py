"""Training finds what was planted, and its measures are right by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.train.ablations import interval, paired
from eval.train.calibrated import auroc, expected_calibration_error
from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question, read
from eval.train.known import fit_known
from eval.train.logistic import fit_logistic
from eval.train.prepared import Prepared, prepared, without_evidence
from eval.train.projection import principal_directions
from eval.train.questions import Source, questions_of
from eval.train.ranker import fit_ranker
from eval.train.searched import Asked, continued
from eval.train.unseen import figures_of
from memory.encoders import Encoding
from memory.tokens import TokenCounter
from retrieval.relevance.known import known_inputs
from retrieval.relevance.model import RelevanceModel, mixed
from tests.searching import DIM, Said, ask, encoding

TALK = [
    Said(f"{colour} paint for the {room}", session=n)
    for n, (colour, room) in enumerate(
        [("red", "hall"), ("green", "kitchen"), ("blue", "bath"), ("white", "attic"), ("grey", "shed")]
    )
]


def asked(text: str, gold: int) -> Asked:
    query, found = ask(text, TALK)
    question = Question(text, "fact", text, None, (frozenset({gold}),), frozenset(), len(TALK))
    return Asked("h", question, query, found)


def questions() -> list[Prepared]:
    rooms = ["hall", "kitchen", "bath", "attic", "shed"]
    return [prepared(asked(f"which paint for the {room}?", n)) for n, room in enumerate(rooms, start=1)]


class _Words:
    """Encodes as the small memory does, at the width that the shipped codec wants."""

    id = "words"
    dim = 384
    max_pieces = 256

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        wide = np.eye(DIM, self.dim, dtype=np.float32)
        return [replace(e, pooled=e.pooled @ wide, tokens=e.tokens @ wide) for e in map(encoding, texts)]


def _history(folder: Path, name: str, word: str) -> History:
    units = [
        {"id": "u0", "session": "s", "ts": "2024-01-01", "role": "user", "text": f"Paint the {word} green"},
        {"id": "u1", "session": "s", "ts": "2024-01-01", "role": "assistant", "text": "Noted"},
        {"id": "u2", "session": "t", "ts": "2024-02-01", "role": "user", "text": "The train was late"},
    ]
    asks = [{"id": "q", "type": "fact", "text": f"which colour for the {word}?", "gold": ["u0"]}]
    path = folder / f"{name}.jsonl"
    line = {"dataset": "d", "conversation": name, "units": units, "queries": asks}
    path.write_text(json.dumps(line) + "\n")
    return read(path, TokenCounter())[0]


def test_the_ranker_learns_to_put_evidence_first() -> None:
    made = fit_ranker(questions(), experts=2, l2=0.03, gate_l2=0.001)
    for question in questions():
        scores = mixed(question.turns, made.weights, made.bias, made.gate)
        assert question.gold[np.argmax(scores)]


def test_it_learns_the_same_every_time() -> None:
    first, second = (fit_ranker(questions(), experts=2, l2=0.03, gate_l2=0.001) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)


def test_what_never_differs_has_no_weight() -> None:
    names = questions()[0].turns.names
    made = fit_ranker(questions(), experts=2, l2=0.03, gate_l2=0.001)
    # No question here came after other turns: what such turns are worth can't be known.
    assert not made.weights[names.index("recent")].any()


def test_labels_turned_around_teach_the_opposite() -> None:
    wrong = [replace(question, gold=~question.gold) for question in questions()]
    made = fit_ranker(wrong, experts=1, l2=0.03, gate_l2=0.001)
    for question in questions():
        assert not question.gold[np.argmax(mixed(question.turns, made.weights, made.bias, made.gate))]


def test_without_evidence_nothing_is_gold() -> None:
    bare = without_evidence(asked("which paint for the hall?", 1))
    assert 1 not in bare.found.candidates.turn
    assert not prepared(bare).answerable


def test_what_memory_knows_is_learned_from_what_others_ask() -> None:
    known = questions() * 3
    unknown = [
        replace(question, answerable=False, asked=replace(question.asked, origin="foreign"))
        for question in (prepared(asked(text, 1)) for text in ("who won the opera prize?", "is Vienna far?"))
    ] * 3
    everything = [replace(question, dataset="d") for question in [*known, *unknown]]
    weights = fit_known(everything, np.ones(len(everything), bool))
    worst = min(float(known_inputs(question.turns) @ weights) for question in known)
    assert worst > max(float(known_inputs(question.turns) @ weights) for question in unknown)


def test_questions_nothing_answers_are_put_to_every_history(tmp_path: Path) -> None:
    histories = [_history(tmp_path, name, word) for name, word in (("a", "kitchen"), ("b", "garden"))]
    source = Source("own", 1.0, complete=True)
    encoded = EncodedTexts(tmp_path / "kept", _Words())
    found = list(questions_of(source, histories, histories, encoded, TokenCounter()))
    origins = {question.asked.origin for question in found}
    assert {"own", "foreign", "nothing"} <= origins
    for question in found:
        assert question.answered == (question.asked.origin == "own")
        assert question.gold.any() == question.answered
    assert {q.asked.question.text for q in found if q.asked.origin == "foreign" and q.history == "a"} == {
        "which colour for the garden?"
    }


def test_questions_put_to_a_few_sessions_are_not_judged() -> None:
    model = RelevanceModel.shipped()
    easier = [replace(question, weight=0.0) for question in questions()]
    alone = figures_of(questions(), model)
    assert alone["questions"] == len(questions())
    assert json.dumps(figures_of([*questions(), *easier], model)) == json.dumps(alone)


def test_logistic_finds_planted_weights() -> None:
    draw = np.random.default_rng(0)
    inputs = np.stack([np.ones(4000), draw.normal(size=4000)], axis=1)
    targets = 1 / (1 + np.exp(-(inputs @ np.array([-1.0, 2.0]))))
    assert fit_logistic(inputs, targets, np.ones(4000), 0) == pytest.approx([-1, 2], abs=0.01)


def test_calibration_error_by_hand() -> None:
    stated, seen = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 0.0, 1.0, 0.0])
    assert expected_calibration_error(stated, seen, bins=2) == pytest.approx((0.1 + 0.4) / 2)


def test_auroc_by_hand() -> None:
    assert auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.75)
    assert auroc(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(0.5)


def test_principal_directions_keep_a_plane() -> None:
    plane = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 2)))[0]
    points = (np.random.default_rng(2).standard_normal((200, 2)) @ plane.T).astype(np.float32)
    directions, kept = principal_directions(points, 2)
    assert kept == pytest.approx(1, abs=1e-5)
    assert points @ directions @ directions.T == pytest.approx(points, abs=1e-4)


def test_intervals_and_pairs_are_over_conversations() -> None:
    member = np.repeat(np.arange(10), 5)
    values = np.repeat(np.linspace(0, 1, 10), 5)
    low, high = interval(values, member)
    assert low < 0.5 < high
    assert paired(values + 0.1, values, member) < 0.01
    assert paired(values, values, member) == 1


def test_the_turns_before_a_query_are_read_where_it_is_a_turn_itself(tmp_path: Path) -> None:
    said = ["Paint the hall red", "Noted", "Back to the hall", "Gladly", "Which paint was it?", "Red."]
    units = [
        {"id": f"u{n}", "session": "t" if n > 1 else "s", "ts": None, "role": "user", "text": text}
        for n, text in enumerate(said)
    ]
    asks = [
        {"id": "turn", "type": "t", "text": said[4], "gold": ["u0"], "pool_end": 2},
        {"id": "first", "type": "t", "text": said[2], "gold": ["u0"], "pool_end": 2},
        {"id": "about", "type": "t", "text": "Which colour has the hall?", "gold": ["u0"], "pool_end": 2},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"dataset": "d", "conversation": "c", "units": units, "queries": asks}))
    (history,) = read(path, TokenCounter())
    assert [question.recent for question in history.questions] == [tuple(said[2:4]), (), ()]
    assert [(question.id, question.kind) for question in continued(history)] == [("turn", "t")]
    aside = continued(replace(history, questions=history.questions[2:]))
    assert [(question.kind, question.recent) for question in aside] == [("aside", tuple(said[:2]))]


def test_a_file_is_read_with_separators_inside_texts(tmp_path: Path) -> None:
    line = {
        "dataset": "d",
        "conversation": "c",
        "units": [
            {"id": "a", "session": "s", "ts": "2024-01-01", "role": "Ann", "text": "one\u2028two"},
            {"id": "b", "session": "s", "ts": None, "role": "record", "text": "three"},
        ],
        "queries": [{"id": "q", "type": "fact", "text": "?", "gold": ["b"], "pool_end": 2}],
    }
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(line, ensure_ascii=False) + "\n")
    (history,) = read(path, TokenCounter())
    assert [turn.role for turn in history.turns] == ["user", "tool"]
    assert history.turns[0].speaker == "Ann"
    assert history.turns[1].created_at == history.turns[0].created_at + 60_000_000
    assert history.questions[0].gold == (frozenset({1}),)
