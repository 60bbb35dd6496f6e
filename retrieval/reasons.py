"""Why a turn is in the context, in words that a person understands."""

import numpy as np

from retrieval.features import Featured
from retrieval.matches import Matches
from retrieval.query import Query

# A word is worth naming if no more than this share of the candidates have it.
_RARE = 0.15
_NEAR_IN_TIME = 0.5
_STRONG = 1.0


class Reasons:
    """Gives one reason a turn."""

    def __init__(self, query: Query, turns: Featured, order: np.ndarray) -> None:
        """Take the candidates and their rows, best first."""
        self._turns = turns
        self._matches = Matches(query.text, turns.table.matched)
        self._order = order
        self._column = {name: place for place, name in enumerate(turns.names)}

    def of(self, row: int) -> str:
        """Return the strongest reason for a turn."""
        if exact := self._matches.exact(row):
            return f"names {_listed(exact)}"
        if self._value(row, "in time") > _NEAR_IN_TIME:
            return "from the time asked about"
        words = self._matches.rare(row, _RARE)
        strong = self._turns.base[row] >= _STRONG
        if words and strong:
            return f"names {_listed(words)}"
        if self._value(row, "before") > max(float(self._turns.base[row]), _STRONG):
            return "answers in the same session"
        if self._value(row, "after") > max(float(self._turns.base[row]), _STRONG):
            return "leads to a match in the same session"
        if strong:
            return "close in meaning"
        return self._by_session(row, words)

    def _by_session(self, row: int, words: list[str]) -> str:
        table = self._turns.table
        for better in self._order[:10]:
            if better != row and table.session[better] == table.session[row]:
                return "same session as a better match"
        if words:
            return f"names {_listed(words)}"
        days = round(abs(float(table.at[self._order[0]] - table.at[row])) / 86_400)
        return (
            f"{days} day{'' if days == 1 else 's'} from the best match"
            if days
            else "same day as the best match"
        )

    def _value(self, row: int, name: str) -> float:
        return float(self._turns.values[row, self._column[name]])


def _listed(words: list[str]) -> str:
    return ", ".join(f"*{word}*" for word in words[:3])
