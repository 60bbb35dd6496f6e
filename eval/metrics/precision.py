"""Share of what was delivered that is evidence."""

from collections.abc import Collection, Iterable


def precision(delivered: Iterable[str], gold: Collection[str], ignored: Collection[str] = ()) -> float | None:
    """Return delivered units that are evidence over those that count, 0 to 1; None if none counts.

    `ignored` units are neither rewarded nor punished. A unit delivered in several parts counts once.
    """
    counted = {unit for unit in delivered if unit not in ignored or unit in gold}
    if not counted:
        return None
    return sum(unit in gold for unit in counted) / len(counted)
