"""Which earlier turns an answer needed: weak labels, from words and outcomes."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from eval.logs.read import BAD, GOOD, LoggedTurn

# A word says where something is from if no more than this share of the turns have it.
RARE = 0.1
# A turn is evidence if it has so many rare words of the answer, and these together are so rare: the sum of
# their ln(turns / turns with the word), in units of ln(turns), which is what a word that occurs once weighs.
SHARED = 2
WEIGHT = 1.2
MOST = 4

_WORD = re.compile(r"\w[\w'-]{2,}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A user turn with its evidence. pool_end: what came before its session. how: outcome or words."""

    id: str
    text: str
    ts: str | None
    gold: tuple[str, ...]
    pool_end: int
    how: str


def labelled(turns: Sequence[LoggedTurn]) -> list[Labelled]:
    """Return user turns whose answer drew on earlier sessions, as far as can be told.

    A turn is a question if its session is not the user's first. Evidence named by an event counts as it
    is. Otherwise, unless the outcome was bad: earlier turns that share rare words with the answer which
    stand in neither the question nor its session. Nothing of the kind = no label, never "no evidence".
    """
    words = [set(_words(turn.text)) for turn in turns]
    spread = Counter(word for found in words for word in found)
    limit = max(2, int(RARE * len(turns)))
    found: list[Labelled] = []
    for place, turn in enumerate(turns):
        start = _session_start(turns, place)
        answer = place + 1
        if turn.role == "assistant" or not start or answer >= len(turns):
            continue
        if turns[answer].session != turn.session or turns[answer].role != "assistant":
            continue
        outcomes = turn.outcomes | turns[answer].outcomes
        named = _named(turns, [*turn.evidence, *turns[answer].evidence], start)
        if named:
            found.append(_made(turn, named, start, "named"))
        elif not outcomes & BAD:
            here = set().union(*words[start:answer])
            rare = {w: log(len(turns) / spread[w]) for w in words[answer] - here if spread[w] <= limit}
            sources = _sources(rare, words[:start], WEIGHT * log(len(turns)))
            if sources:
                gold = [turns[source].id for source in sources]
                found.append(_made(turn, gold, start, "thumbs_up" if outcomes & GOOD else "words"))
    return found


def _sources(rare: Mapping[str, float], words: Sequence[set[str]], least: float) -> list[int]:
    """Return the fewest turns that explain the rare words, greedily, the later of equals."""
    left = set(rare)
    found: list[int] = []
    while words and len(found) < MOST:
        weights = [sum(rare[word] for word in known & left) for known in words]
        best = max(range(len(words)), key=lambda place: (weights[place], place))
        if weights[best] < least or len(words[best] & left) < SHARED:
            break
        found.append(best)
        left -= words[best]
    return sorted(found)


def _named(turns: Sequence[LoggedTurn], names: Sequence[str], end: int) -> list[str]:
    known = {turn.id for turn in turns[:end]}
    return [name for name in dict.fromkeys(names) if name in known]


def _made(turn: LoggedTurn, gold: Sequence[str], start: int, how: str) -> Labelled:
    return Labelled(turn.id, turn.text, turn.ts, tuple(gold), start, how)


def _session_start(turns: Sequence[LoggedTurn], place: int) -> int:
    session = turns[place].session
    return next(n for n, turn in enumerate(turns) if turn.session == session)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
