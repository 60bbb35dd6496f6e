"""Why a turn is in the context, in words that a person understands."""

import numpy as np

from retrieval.evidence.features import Featured

# A word is worth naming if no more than this share of the candidates have it.
_RARE = 0.15
_NEAR_IN_TIME = 0.5
_STRONG = 1.0


class Reasons:
    """Gives one reason a turn."""

    def __init__(self, turns: Featured, order: np.ndarray) -> None:
        """Take the candidates and their rows, best first."""
        self._turns = turns
        self._matches = turns.matches
        self._order = order
        # Of the best ten, row and session.
        best = order[:10]
        self._best = list(zip(best.tolist(), turns.table.session[best].tolist(), strict=True))
        self._column = {name: place for place, name in enumerate(turns.names)}

    def of(self, row: int) -> str:
        """Return the strongest reason for a turn."""
        words = self._matches.rare(row, _RARE)
        base = float(self._turns.base[row])
        strong = base >= _STRONG
        beside = max(base, _STRONG)
        exact = self._matches.exact(row)
        reasons = (
            (bool(exact), f"names {_listed(exact)}"),
            (self._value(row, "in time") > _NEAR_IN_TIME, "from the time asked about"),
            (strong and bool(words), f"names {_listed(words)}"),
            (self._value(row, "before") > beside, "answers in the same session"),
            (self._value(row, "after") > beside, "leads to a match in the same session"),
            (strong, "close in meaning"),
            (self._beside_better(row), "same session as a better match"),
            (bool(words), f"names {_listed(words)}"),
        )
        return next((reason for holds, reason in reasons if holds), self._days(row))

    def _beside_better(self, row: int) -> bool:
        session = int(self._turns.table.session[row])
        return any(better != row and of == session for better, of in self._best)

    def _days(self, row: int) -> str:
        at = self._turns.table.at
        days = round(float(at[row] - at[self._order[0]]) / 86_400)
        if not days:
            return "same day as the best match"
        count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
        return f"{count} {'after' if days > 0 else 'before'} the best match"

    def _value(self, row: int, name: str) -> float:
        return float(self._turns.values[row, self._column[name]])


def _listed(words: list[str]) -> str:
    return ", ".join(f"*{word}*" for word in words[:3])
