"""Times as the ledger keeps them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

from memory.errors import InvalidInputError

HOUR = 3_600_000_000
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> int:
    """Return the present."""
    return to_micros(datetime.now(UTC))


def to_micros(time: datetime) -> int:
    """Return `time` in microseconds; one without a zone counts as UTC. Raises as `checked` does."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return checked((time - _EPOCH) // _MICROSECOND)


def checked(micros: int) -> int:
    """Return a moment that can be told again; raise `InvalidInputError` for one that no calendar date has."""
    try:
        to_datetime(micros)
    except OverflowError as error:  # a zone can lead out of the years that there are
        raise InvalidInputError("a time lies outside the years 1 to 9999 in UTC") from error
    return micros


def to_datetime(micros: int) -> datetime:
    """Return the moment, in UTC."""
    return _EPOCH + micros * _MICROSECOND
