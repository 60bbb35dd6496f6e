"""A remembered turn, made ready for the index."""

from collections.abc import Callable, Sequence

import numpy as np

from memory.encoders.port import Encoding, Floats, unit
from memory.tokens import TokenCounter
from memory.turns import Turn
from retrieval.index.port import ROLES, IndexedTurn, Passage
from retrieval.passages.codec import TokenCodec
from retrieval.passages.excerpts import Span, excerpts
from retrieval.passages.terms import counted
from retrieval.passages.traits import speaker_code, traits
from retrieval.rendering.recalled import own
from retrieval.rendering.render import quoted


def spans_of(turn: Turn) -> list[Span]:
    """Return the spans by which a turn is searched: none of what it repeats of a context."""
    kept = own(turn.content)
    if kept is None:
        return excerpts(turn.content)
    parts = [(start, excerpts(turn.content[start:end])) for start, end in kept]
    return [(start + a, start + b) for start, spans in parts for a, b in spans] or [(0, 0)]


def encoded(
    turns: Sequence[Turn],
    encode: Callable[[Sequence[str]], list[Encoding]],
    counter: TokenCounter,
    codec: TokenCodec,
) -> list[IndexedTurn]:
    """Return turns with their vectors, all their spans encoded in one call."""
    spans = [spans_of(turn) for turn in turns]
    texts = [searched_text(turn, span) for turn, parts in zip(turns, spans, strict=True) for span in parts]
    encodings = iter(encode(texts))
    return [
        indexed(turn, parts, [next(encodings) for _ in parts], counter, codec)
        for turn, parts in zip(turns, spans, strict=True)
    ]


def indexed(
    turn: Turn, spans: Sequence[Span], encodings: Sequence[Encoding], counter: TokenCounter, codec: TokenCodec
) -> IndexedTurn:
    """Return the turn with its vectors, one encoding a span."""
    passages = [
        _passage(turn, span, encoding.pooled, codec.encode(encoding.tokens), counter)
        for span, encoding in zip(spans, encodings, strict=True)
    ]
    return _with(turn, passages, counter)


def unencoded(turn: Turn, dim: int, counter: TokenCounter, codec: TokenCodec) -> IndexedTurn:
    """Return the turn as it can be found by its terms alone."""
    spans = spans_of(turn)
    nothing = np.zeros((0, codec.dim), np.int8)
    passages = [_passage(turn, span, np.zeros(dim, np.float32), nothing, counter) for span in spans]
    return _with(turn, passages, counter)


def whole(turn: IndexedTurn) -> Floats:
    """Return float32 (dim,), unit length: the turn as one vector, of what an encoder sees at once.

    A turn in one passage has that passage's; a longer one the mean of its first two, which together
    are about as long as the encoder's sight.
    """
    return unit(np.mean([passage.pooled for passage in turn.passages[:2]], axis=0))


def searched_text(turn: Turn, span: Span) -> str:
    """Return what is encoded for a span: its words, and who said them where a name is known."""
    text = turn.content[slice(*span)]
    return f"{turn.speaker}: {text}" if turn.speaker else text


def _passage(
    turn: Turn,
    span: Span,
    pooled: np.ndarray,
    codes: np.ndarray,
    counter: TokenCounter,
) -> Passage:
    terms, counts = counted(searched_text(turn, span))
    text = turn.content[slice(*span)]
    # As delivered: escapes cost tokens too.
    tokens = counter.count(quoted(text))
    return Passage(span[0], span[1], tokens, pooled, codes, terms, counts, traits(text))


def _with(turn: Turn, passages: list[Passage], counter: TokenCounter) -> IndexedTurn:
    role = ROLES.index(turn.role)
    at = turn.created_at / 1e6
    speaker = speaker_code(turn.speaker)
    if len(passages) == 1:
        tokens = passages[0].tokens
    elif own(turn.content) is None:
        tokens = counter.count(quoted(turn.content))
    else:
        tokens = sum(passage.tokens for passage in passages)
    return IndexedTurn(turn.id, turn.session, turn.seq, at, role, tokens, passages, speaker)
