"""Words that say what a text is about, and those that don't."""

from retrieval.passages.terms import terms

# Function words, and what people say to be polite: they can be looked up, but nothing is found by them.
_EMPTY = """
a about above after again against all also am an and any are as at be because been before being below
between both but by can could did do does doing down during each few for from further get give go going got
had has have having he her here hers him his how i if in into is it its itself just know let like lot made
make may maybe me mean might mine more most much my myself no nor not now of off on once one only or other
our ours out over own please same say see shall she should so some something still such tell than that the
their them then there these they thing things think this those through to too under until up us very want
was way we well were what when where which while who whom whose why will with would yes you your yours
yourself
i'm i've i'd i'll we're we've you're you've it's that's what's let's there's who's how's don't didn't doesn't
isn't aren't wasn't can't couldn't won't haven't hasn't
bye cool cheers exactly fine good great haha hello hey hi lol nice nope ok okay perfect really right sounds
sure thank thanks understood wow yeah yep yo
"""
_TERMS = frozenset(terms(_EMPTY))


def has_content(term: str) -> bool:
    """Tell whether a stemmed term, see `retrieval.passages.terms`, says what a text is about."""
    return term not in _TERMS
