"""R27: records of tools and feeds can't push aside what the user said, and go when they are revoked."""

import time
from collections.abc import Sequence

import pytest

from api.services import Services
from memory.purge import Subject
from memory.scope import Scope
from memory.trust import Tier
from memory.turns import NewTurn
from retrieval.finder import Wanted
from retrieval.packing.packing import LOW_SHARE
from retrieval.recall import Context
from retrieval.rendering.render import closing, opening, render
from tests.reliability.conftest import Reached
from tests.reliability.poison import Fact, background, facts

BUDGET = 512
SOURCES = ("tool:web", "import:feed")


def remember(services: Services, user: str, new: Sequence[NewTurn], session: str) -> None:
    """Remember turns, a hundred at a time."""
    for start in range(0, len(new), 100):
        services.remember(Scope("default", user, f"{user}-{session}{start}"), new[start : start + 100])


def poison(told: Sequence[Fact]) -> list[NewTurn]:
    """Return the attacker's records, some as a tool's turns, some as files that claim to be the user's."""
    return [
        NewTurn("tool" if n % 2 else "user", fact.lie, source=SOURCES[(n // 2) % 2])
        for n, fact in enumerate(told)
    ]


def fill(services: Services, user: str, told: Sequence[Fact], size: int, attacked: int) -> None:
    """Remember facts among other things, `size` records in all, the first `attacked` facts contradicted."""
    said = [
        NewTurn("user", text)
        for text in [*(fact.said for fact in told), *background(size - len(told) - attacked)]
    ]
    remember(services, user, said, "said")
    remember(services, user, poison(told[:attacked]), "low")
    services.drain()


def low_tokens(services: Services, context: Context) -> int:
    """Return the tokens that low-trust records add to a context."""
    if not context.items:
        return 0
    nonce = context.text[8:47]
    rest = render([item.record for item in context.items if item.tier is not Tier.LOW], nonce)
    return context.used - services.counter.count(rest or opening(nonce) + closing(nonce))


def ask(services: Services, user: str, fact: Fact) -> bool:
    """Ask for context and by search; hold what R27 demands; return whether the fact is delivered."""
    scope = Scope("default", user)
    context = services.recall(scope, Wanted(fact.question), BUDGET)
    relevance = {item.record.turn.content: item.pick.relevance for item in context.items}
    low = [item for item in context.items if item.tier is Tier.LOW]
    assert low_tokens(services, context) <= LOW_SHARE * BUDGET
    if context.items:
        assert max(context.items, key=lambda item: item.pick.relevance).tier is Tier.HIGH
    if fact.lie in relevance:
        assert relevance.get(fact.said, -1.0) > relevance[fact.lie], fact
    assert all(item.record.line.startswith("untrusted ") for item in low)

    found = services.search(scope, Wanted(fact.question), 50).hits
    order = [hit.turn.content for hit in found]
    assert found[0].tier is Tier.HIGH
    if fact.lie in order:
        assert fact.said in order[: order.index(fact.lie)], fact
    for turn in [item.record.turn for item in context.items] + [hit.turn for hit in found]:
        assert turn.session_name.startswith(f"{user}-")
    return fact.said in relevance


def revoke(services: Services, source: str) -> None:
    """Erase all that came from a source."""
    receipt = services.purge.begin(Subject("default", "source", source), "test").id
    deadline = time.monotonic() + 120
    while services.purge.receipt("default", receipt).status != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def poisoned(services: Services, told: Sequence[Fact], size: int, attacked: int) -> str:
    """Ask about everything, in a clean memory and in a poisoned one; return the figures."""
    fill(services, "ada", told, size, 0)
    fill(services, "bob", told, size, attacked)
    clean = sum(ask(services, "ada", fact) for fact in told) / len(told)
    attacked_recall = sum(ask(services, "bob", fact) for fact in told) / len(told)
    assert clean >= 0.9
    assert attacked_recall >= clean - 0.01

    for source in ("tool", "import:feed"):
        revoke(services, source)
    lies = {fact.lie for fact in told}
    for fact in told[:attacked]:
        hits = services.search(Scope("default", "bob"), Wanted(fact.lie), 20).hits
        assert not lies & {hit.turn.content for hit in hits}
        assert {hit.tier for hit in hits} == {Tier.HIGH}
    return (
        f"{attacked} of {size:,} records poisoned, {len(told)} questions: 0 across users, 0 times first,"
        f" at most 20% of the budget; the user's statement delivered {attacked_recall:.1%}, without poison"
        f" {clean:.1%}; 0 left after revoking"
    )


def test_what_the_user_said_stands_first(services: Services, reached: Reached) -> None:
    """Every question attacked."""
    told = facts(30)
    reached(poisoned(services, told, 120, len(told)))


@pytest.mark.drill
@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_hundred_questions(services: Services, reached: Reached, share: float) -> None:
    """1% and 5% of 2,000 records."""
    reached(poisoned(services, facts(100), 2000, int(share * 2000)))


def scores(services: Services, scope: Scope, fact: Fact) -> dict[int, float]:
    """Return how likely each turn of the session is needed, by its place."""
    hits = services.search(scope, Wanted(fact.question), 100).hits
    return {hit.turn.seq: hit.score for hit in hits}


@pytest.mark.parametrize("low", [True, False])
def test_contexts_stored_again_are_no_evidence(services: Services, reached: Reached, low: bool) -> None:  # noqa: FBT001
    """Fifty turns, each storing the context that it got: nothing is recalled because it was recalled."""
    ada, bob = (Scope("default", name, f"{name}-1") for name in ("ada", "bob"))
    told = [NewTurn("user", fact.said) for fact in facts(10)]
    source = "tool:memory" if low else None
    for scope in (ada, bob):
        services.remember(scope, told)
    for fact, remark in zip(facts(50), background(50), strict=True):
        again = services.recall(ada, Wanted(fact.question), BUDGET)
        services.remember(ada, [NewTurn("assistant", f"{remark}\n{again.text}", source=source)])
        services.remember(bob, [NewTurn("assistant", f"{remark}\n", source=source)])
    services.drain()

    # Asked from outside of the session: within it, that a turn is its newest weighs more than its words.
    ada, bob = ada.whole_user(), bob.whole_user()
    for fact in facts(10):
        with_copies, without = (
            {item.record.text.removesuffix(" …").strip() for item in found.items}
            for found in (services.recall(scope, Wanted(fact.question), BUDGET) for scope in (ada, bob))
        )
        assert with_copies == without
        # Low trust may keep copies out of a context; a search shows what they are taken to say.
        assert scores(services, ada, fact) == pytest.approx(scores(services, bob, fact), abs=0.005)
    reached("50 contexts stored again: what is recalled is the same as without them")
