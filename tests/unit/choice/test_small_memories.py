"""A memory of a few plain facts: asked in other words it answers, asked about something else it is silent."""

from pathlib import Path

import pytest

from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.scope import Scope
from memory.turns import NewTurn
from retrieval.finder import Wanted

FACTS = {
    "The Aurora launch moved to 14 May because the audit slipped.": [
        "When do we launch Aurora?",
        "What's the new date?",
        "why was it delayed",
    ],
    "Ines is allergic to peanuts, keep that in mind for the party.": ["any allergies among the guests?"],
    "We chose PostgreSQL for the ledger, with a nightly dump.": [
        "Which database did we pick?",
        "how are backups done",
    ],
    "My sister's name is Clara and she lives in Porto.": [
        "Where does my sister live?",
        "what is my sibling called?",
    ],
    "I take my coffee black, no sugar.": ["How do I like my coffee?"],
    "The invoice from Hartmann is due on Friday.": [
        "When do I have to pay the supplier?",
        "which bills are open?",
    ],
    "Our wifi password is on the fridge.": ["how do I get on the internet here"],
    "I broke my left ankle skiing in January.": ["which injury did I have?", "Can I go running again?"],
    "The parser fails on empty lines with IndexError.": ["now fix the error in the parser"],
    "I'd rather have short answers with bullet points.": ["How should you format your replies?"],
    "Budget for the offsite is 4,500 euros.": ["how much can we spend?", "what's the offsite budget"],
    "The dog's name is Biscuit, he is a beagle.": ["what's my pet called?", "what breed is he"],
}
ELSEWHERE = [
    "thanks!",
    "ok great",
    "What is the capital of Mongolia?",
    "write a haiku about rain",
    "Explain quicksort",
    "how tall is the Eiffel tower",
    "what did Napoleon eat before Waterloo",
]


def told(services: Services, user: str, query: str) -> set[str]:
    """Return what a context of 400 tokens says."""
    context = services.recall(Scope("default", user), Wanted(query), 400)
    return {item.record.text for item in context.items}


@pytest.mark.parametrize("facts", [1, 3, 12])
def test_few_facts(tmp_path: Path, encoder: OnnxEncoder, facts: int) -> None:
    """Each memory holds the fact that is asked for and as many others as there is room for."""
    kept = list(FACTS)
    with open_services(Settings(data=tmp_path / "data"), encoder=encoder) as services:
        for number, fact in enumerate(kept):
            mine = [fact, *[other for other in kept if other != fact][: facts - 1]]
            scope = Scope("default", f"u{number}", f"s{number}")
            services.remember(scope, [NewTurn("user", text) for text in mine])
        services.drain()

        asked = [(f"u{number}", fact, query) for number, fact in enumerate(kept) for query in FACTS[fact]]
        missed = [query for user, fact, query in asked if fact not in told(services, user, query)]
        spoken = [query for query in ELSEWHERE if told(services, "u0", query)]

    assert len(missed) <= 1, missed
    assert spoken == []
