"""R26: whatever a turn says, it stays inside its record, and the record says whose words they are."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.services import Services
from memory.errors import InvalidInputError
from memory.ledger import turns
from memory.scope import Scope, check_name
from memory.turns import NewTurn
from retrieval.finder import Wanted
from retrieval.rendering.recalled import own
from retrieval.rendering.render import RECORD, Record, closing, new_nonce, opening, parse, render
from tests.helpers import a_turn
from tests.reliability.conftest import Reached

PAYLOADS: list[dict[str, str]] = [
    json.loads(line) for line in Path(__file__).with_name("injections.jsonl").read_text("utf-8").splitlines()
]
TEXTS = [payload["text"] for payload in PAYLOADS]

# What a reader may take for a fence or for a role, of whatever chat template.
MARKERS = re.compile(
    r"<\s*/*\s*memory|<\||<<SYS|\[/?INST\]|</?s>|<(start|end)_of_turn>|<\s*/?\s*system", re.IGNORECASE
)
JOINERS = "\u200c\u200d"


def hidden(line: str) -> list[str]:
    """Return the characters that show nothing, or that turn or break a line."""
    categories = ("Cc", "Cf", "Zl", "Zp")
    return [one for one in line if unicodedata.category(one) in categories and one not in JOINERS]


def names() -> Iterator[str]:
    """Yield the payloads that can be a speaker's name or a tool's."""
    for text in TEXTS:
        try:
            check_name("name", text)
            NewTurn("tool", "x", speaker=text, source=f"tool:{text[:200]}")
        except InvalidInputError:
            continue
        yield text


def assert_contained(context: str, nonce: str, lines: int) -> None:
    """Two fence lines, one header, and nothing else but that many records."""
    first, head, *records, last = context.split("\n")
    assert (first + "\n", last) == (opening(nonce), closing(nonce))
    assert re.fullmatch(r"s1 2023-11-14", head)
    assert len(records) == lines
    for record in records:
        assert RECORD.fullmatch(record), record
        assert not MARKERS.search(record), record
        assert not hidden(record), record


def test_there_are_two_hundred() -> None:
    """All different."""
    assert len(set(TEXTS)) == len(TEXTS) == 200


@pytest.mark.parametrize("low", [False, True])
def test_all_stay_inside_one_record(reached: Reached, low: bool) -> None:  # noqa: FBT001 - a parameter
    """The context reads back as it went in, and every line says who speaks."""
    for text in TEXTS:
        nonce = new_nonce()
        said = ["before", text, "after"]
        context = render([Record(a_turn(t, turn=n, seq=n), None, low=low) for n, t in enumerate(said)], nonce)

        assert_contained(context, nonce, 3)
        assert [one.text for one in parse(context)] == said
        assert {one.who for one in parse(context)} == {"untrusted user" if low else "user"}
    reached(f"{len(TEXTS)} of {len(TEXTS)} payloads inside one record, 0 forged fences")


def test_names_are_no_way_out() -> None:
    """Neither a speaker's nor a tool's; both are read back."""
    tried = list(names())
    assert len(tried) > 90
    for name in tried:
        nonce = new_nonce()
        spoken = a_turn("hello", speaker=name)
        tool = a_turn("hello", turn=2, seq=1, role="user", source=f"tool:{name[:200]}")
        context = render([Record(spoken, None), Record(tool, None, low=True)], nonce)

        assert_contained(context, nonce, 2)
        who, source = (one.who for one in parse(context))
        assert (json.loads(who) if who.startswith('"') else who) == name
        kind, _, named = source.removeprefix("untrusted ").partition(" ")
        assert kind == "tool"
        assert (json.loads(named) if named.startswith('"') else named) == name[:200]


def test_from_the_ledger_to_the_context(services: Services, reached: Reached) -> None:
    """Through the whole service: kept word by word, each line with its source."""
    delivered: set[str] = set()
    for start in range(0, len(TEXTS), 20):
        texts = TEXTS[start : start + 20]
        scope = Scope("default", f"user{start}", f"s{start}")
        kept = services.remember(
            scope, [NewTurn("tool", text, source="tool:browser") for text in texts]
        ).turns
        context = services.recall(scope, Wanted("What is it?", last=20), 1_000_000, recent=20)

        with services.ledger.reading(scope.tenant) as tx:
            stored = turns.by_id(tx, scope, [turn.id for turn in kept])
        assert [stored[turn.id].content for turn in kept] == texts
        assert services.counter.count(context.text) == context.used
        parsed = parse(context.text)
        assert [one.text for one in parsed] == [item.record.text for item in context.items]
        assert {one.who for one in parsed} == {"untrusted tool browser"}
        assert {item.record.turn.source for item in context.items} == {"tool:browser"}
        delivered |= {one.text for one in parsed}
    # What repeats a context of ours is kept, but not delivered a second time.
    assert [text for text in TEXTS if (text in delivered) != (own(text) is None)] == []
    reached(f"{len(TEXTS)} of {len(TEXTS)} payloads through the service, each line with its source")


def test_a_fence_is_not_guessed(reached: Reached) -> None:
    """The numbers are 39 random digits, so a payload written before the response can't hold its own."""
    guesses = set(re.findall(r"\d{39}", "\n".join(TEXTS)))
    made = {new_nonce() for _ in range(20_000)}

    assert guesses
    assert len(made) == 20_000
    assert not made & guesses
    assert {len(one) for one in made} == {39}
    # Each digit is as likely as another at every place: 2,000 expected, 5 standard deviations are 212.
    for place in range(39):
        counts = [sum(one[place] == digit for one in made) for digit in "0123456789"]
        assert all(abs(count - 2000) < 212 for count in counts), place
    reached("0 guessed of 20,000 fences of 129 random bits")
