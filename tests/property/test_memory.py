"""What holds for any text, any budget and any order of use."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.errors import TextError
from memory.ledger import turns
from memory.scope import Scope
from memory.turns import MAX_CONTENT, NewTurn
from retrieval.finder import Wanted
from retrieval.rendering.render import parse
from tests.helpers import said

# Everything but lone surrogates and NUL, which are refused.
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)
NAMES = st.sampled_from(["ada", "bob", "Ada", "ada ", "ädä", "a'; DROP TABLE turns;--"])
BUDGETS = st.integers(1, 9000)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, encoder: OnnxEncoder) -> Iterator[Services]:
    """Services that all examples share: each uses users of its own."""
    folder = tmp_path_factory.mktemp("property")
    with open_services(Settings(data=folder / "data"), encoder=encoder) as services:
        yield services


@settings(max_examples=60)
@given(st.lists(STORABLE, min_size=1, max_size=5))
def test_any_text_survives(opened: Services, texts: list[str]) -> None:
    """From the ledger and from the context it comes back as it was."""
    scope = Scope("default", f"user-{id(texts)}-{hash(tuple(texts))}", None)
    session = Scope("default", scope.user, f"s-{scope.user}")
    kept = opened.remember(session, [said(text) for text in texts]).turns

    with opened.ledger.reading("default") as tx:
        stored = turns.by_id(tx, scope, [turn.id for turn in kept])
    context = opened.recall(session, Wanted("x", last=5), 9000, recent=5)

    assert [stored[turn.id].content for turn in kept] == texts
    delivered = {record.text for record in parse(context.text)}
    whole = {item.record.turn.content for item in context.items if item.record.spans is None}
    assert whole <= delivered
    assert {text for text in texts if text != "x"} <= delivered


@settings(max_examples=150)
@given(st.lists(STORABLE, min_size=1, max_size=8), STORABLE, BUDGETS, st.integers(0, 4))
def test_the_budget_is_never_exceeded(
    opened: Services, texts: list[str], query: str, budget: int, recent: int
) -> None:
    """Fences, dates and names included; too small a budget gets an empty context and a reason."""
    scope = Scope("default", f"budget-{hash(tuple(texts))}", f"b-{hash(tuple(texts))}")
    opened.remember(scope, [said(text) for text in texts])

    context = opened.recall(scope, Wanted(query, last=recent), budget, recent=recent)

    assert opened.counter.count(context.text) == context.used <= budget
    assert bool(context.note) == (not context.items)
    assert len(parse(context.text)) == len(context.items)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, st.lists(STORABLE.filter(str.strip), min_size=1, max_size=3), min_size=2))
def test_a_scope_never_sees_anothers_turn(opened: Services, memories: dict[str, list[str]]) -> None:
    """However alike the names are."""
    tag = str(abs(hash(str(memories))))
    for user, texts in memories.items():
        scope = Scope("default", user + tag, f"{user}-{tag}")
        opened.remember(scope, [said(f"{user}: {text}") for text in texts])

    for user, texts in memories.items():
        context = opened.recall(Scope("default", user + tag), Wanted(" ".join(texts)), 4000)
        assert all(item.record.turn.content.startswith(f"{user}: ") for item in context.items)


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "nul\x00"])
def test_what_no_store_can_hold_is_refused(text: str) -> None:
    """The error names the place."""
    with pytest.raises(TextError, match="content holds"):
        NewTurn(role="user", content=text)


def test_a_turn_of_a_megabyte(services: Services) -> None:
    """It is kept whole, found by a word in its middle, and packed in part."""
    words = [f"word{i % 977}" for i in range(MAX_CONTENT // 9)]
    words[len(words) // 2] = "xylophone-7731"
    text = " ".join(words)[:MAX_CONTENT]
    scope = Scope("default", "ada", "big")
    kept = services.remember(scope, [said(text)]).turns[0]

    context = services.recall(scope, Wanted("Where is xylophone-7731?"), 1024)

    with services.ledger.reading("default") as tx:
        assert turns.by_id(tx, scope, [kept.id])[kept.id].content == text
    assert "xylophone-7731" in context.text
    assert context.used <= 1024


def test_empty_things(services: Services) -> None:
    """Empty turns, unknown users and empty queries are answered, not failed."""
    scope = Scope("default", "ada", "s")
    services.remember(scope, [said(""), said("something")])
    services.drain()

    assert services.recall(Scope("default", "nobody"), Wanted("hello"), 100).note
    assert services.recall(scope, Wanted(""), 500).used <= 500
    assert services.recall(scope, Wanted("something else"), 1).text == ""
