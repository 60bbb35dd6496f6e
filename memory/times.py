"""Times as the ledger keeps them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

HOUR = 3_600_000_000
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> int:
    """Return the present."""
    return to_micros(datetime.now(UTC))


def to_micros(time: datetime) -> int:
    """Return `time` in microseconds; one without a zone counts as UTC."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - _EPOCH) // _MICROSECOND


def to_datetime(micros: int) -> datetime:
    """Return the moment, in UTC."""
    return _EPOCH + micros * _MICROSECOND
