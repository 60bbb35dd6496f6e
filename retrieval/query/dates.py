"""Time expressions in a query, resolved against the moment of asking."""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Range = tuple[float, float]

_MONTHS = {name.lower(): place for place, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): place for place, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name.lower(): place for place, name in enumerate(calendar.day_name)}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "couple of": 2}
_NUMBERS |= {"few": 3, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

_MONTH = (
    "(?P<month>" + "|".join(sorted((re.escape(name) for name in _MONTHS), key=len, reverse=True)) + r")\.?"
)
_COUNT = r"(?P<count>\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"


def ranges(text: str, at: float) -> list[Range]:
    """Return the spans of Unix time that `text` names, first and past-the-end second; UTC.

    A month without a year, a weekday and a season are the latest that had begun by `at`.
    """
    now = datetime.fromtimestamp(at, UTC)
    found: list[Range] = []
    taken = [False] * (len(text) + 1)
    for pattern, resolve in _RULES:
        for match in pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            try:
                begin, end = resolve(match, now)
            except (ValueError, OverflowError):
                continue  # 31 June, the year 0
            found.append((begin.timestamp(), end.timestamp()))
            taken[match.start() : match.end()] = [True] * (match.end() - match.start())
    return found


_Span = tuple[datetime, datetime]


def _day(year: int, month: int, day: int) -> _Span:
    begin = datetime(year, month, day, tzinfo=UTC)
    return begin, begin + timedelta(days=1)


def _month(year: int, month: int) -> _Span:
    begin = datetime(year, month, 1, tzinfo=UTC)
    return begin, begin + timedelta(days=calendar.monthrange(year, month)[1])


def _iso(match: re.Match[str], _: datetime) -> _Span:
    return _day(int(match[1]), int(match[2]), int(match[3]))


def _dated(match: re.Match[str], now: datetime) -> _Span:
    """Resolve '7 May 2023', 'May 7th', 'May 2023', 'in May'."""
    month = _MONTHS[match["month"].lower()]
    parts = match.groupdict()
    day, year = parts.get("day"), parts.get("year")
    if year is None:
        begun = (month, int(day or 1)) <= (now.month, now.day)
        known = now.year if begun else now.year - 1
    else:
        known = int(year)
    return _day(known, month, int(day)) if day else _month(known, month)


def _year(match: re.Match[str], _: datetime) -> _Span:
    year = int(match[1])
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def _ago(match: re.Match[str], now: datetime) -> _Span:
    count = _NUMBERS.get(match["count"].lower()) or int(match["count"])
    days = count * _UNITS[match["unit"].lower()]
    slack = {"day": 0, "week": 3, "month": 10, "year": 60}[match["unit"].lower()]
    middle = now.replace(hour=0, minute=0, second=0) - timedelta(days=days)
    return middle - timedelta(days=slack), middle + timedelta(days=slack + 1)


def _near(match: re.Match[str], now: datetime) -> _Span:
    """Resolve 'today', 'yesterday', 'this morning'."""
    back = 1 if match[0].lower().startswith(("yesterday", "last night")) else 0
    day = now - timedelta(days=back)
    return _day(day.year, day.month, day.day)


def _last(match: re.Match[str], now: datetime) -> _Span:
    """Resolve 'last week', 'this month', 'last Tuesday', 'last summer'."""
    unit, last = match["unit"].lower(), match["which"].lower() != "this"
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit in {"week", "weekend"}:
        monday = today - timedelta(days=today.weekday() + (7 if last else 0))
        return monday + timedelta(days=5 if unit == "weekend" else 0), monday + timedelta(days=7)
    if unit == "month":
        end = today.replace(day=1)
        return _month(*_before(end)) if last else _month(end.year, end.month)
    if unit == "year":
        year = today.year - (1 if last else 0)
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    begin = _SEASONS[unit]
    year = today.year if begin < today.month else today.year - 1
    start = datetime(year, begin, 1, tzinfo=UTC)
    return start, start + timedelta(days=92)


def _before(first: datetime) -> tuple[int, int]:
    earlier = first - timedelta(days=1)
    return earlier.year, earlier.month


def _weekday(match: re.Match[str], now: datetime) -> _Span:
    back = (now.weekday() - _DAYS[match["name"].lower()] - 1) % 7 + 1
    day = now - timedelta(days=back)
    return _day(day.year, day.month, day.day)


_Rule = tuple[re.Pattern[str], Callable[[re.Match[str], datetime], _Span]]
_YEAR = r"(?:,?\s+(?:of\s+)?(?P<year>(?:19|20)\d\d))"
_RULES: list[_Rule] = [
    (re.compile(pattern, re.IGNORECASE), resolve)
    for pattern, resolve in (
        (r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b", _iso),
        (rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}{_YEAR}?\b", _dated),
        (rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b{_YEAR}?(?!\d)", _dated),
        (rf"\b{_MONTH}{_YEAR}\b", _dated),
        (rf"\b(?:in|since|during|of|by|early|late|mid|until|last)[\s-]+{_MONTH}\b", _dated),
        (rf"\b{_COUNT}\s+(?P<unit>day|week|month|year)s?\s+(?:ago|back|earlier)\b", _ago),
        (r"\b(?:yesterday|today|tonight|last night|this (?:morning|afternoon|evening))\b", _near),
        (
            r"\b(?P<which>last|this|past|previous)\s+(?P<unit>weekend|week|month|year|spring|summer|autumn|fall|winter)\b",
            _last,
        ),
        (rf"\b(?:last|on|this past)\s+(?P<name>{'|'.join(_DAYS)})\b", _weekday),
        (r"\b(?:in|during|since|of|from)\s+((?:19|20)\d\d)\b", _year),
    )
]
