"""Every error that Satchel raises on purpose, grouped by what the caller can do about it.

SatchelError
├── InvalidInputError          change the request
│   ├── TooLargeError          send less at a time
│   └── TextError              the text holds something that can't be stored
├── NotFoundError              nothing of that name in the caller's reach
├── ConflictError              it clashes with what is stored
│   ├── IdempotencyError       the key was used for another request
│   └── LegalHoldError         the memory must be kept until its hold is lifted
├── AccessError                use a key with the needed rights
│   └── UnauthenticatedError   send a key or token that is in use
├── LimitError                 ask less often, or for a higher limit
│   └── QuotaError             purge something, or ask for a higher quota
├── UnavailableError           try again later
│   ├── RefusedError           it answers, but not to this: the rest of it works
│   ├── OverloadedError        after retry_after seconds
│   ├── FullError              the disk has no room; an operator must make some
│   └── BusyError              others write the same: at once, it may do
└── SetupError                 an operator must act: settings, files, versions
    ├── DataFolderInUseError   another process holds the data folder
    ├── EncoderMismatchError   the index was built by another encoder
    ├── MasterKeyError         the key that opens what is encrypted is missing or another
    └── CorruptFileError       a file is not what it should be
"""


class SatchelError(Exception):
    """Root of all errors that Satchel raises on purpose."""


def quotable(error: Exception) -> str:
    """Return what may be logged or stored of an error: only our own are known to quote no one's text."""
    return str(error) if isinstance(error, SatchelError) else type(error).__name__


class InvalidInputError(SatchelError):
    """The request can't be carried out as it stands."""


class TooLargeError(InvalidInputError):
    """The request is over a limit."""


class TextError(InvalidInputError):
    """The text holds something that can't be stored."""


class NotFoundError(SatchelError):
    """Nothing of that name is within the caller's reach."""


class ConflictError(SatchelError):
    """The request clashes with what is stored."""


class IdempotencyError(ConflictError):
    """The idempotency key was used for another request, or its request still runs."""


class LegalHoldError(ConflictError):
    """The memory must be kept: a legal hold is on its user."""


class AccessError(SatchelError):
    """The key lacks a right."""


class UnauthenticatedError(AccessError):
    """Nobody that is known here sent the request."""


class LimitError(SatchelError):
    """The key asks more than it may. retry_after: whole seconds after which it may ask again."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaError(LimitError):
    """No more may be remembered until something is purged or expires; looking once an hour is enough."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=3600)


class UnavailableError(SatchelError):
    """Something that is needed doesn't answer now."""


class FullError(UnavailableError):
    """The disk has no room, or doesn't take what is written; it may again when there is."""


class BusyError(UnavailableError):
    """Others hold or write the same rows; the same transaction again may do."""


class RefusedError(UnavailableError):
    """Something that is needed answers, but won't do what it was asked for."""


class OverloadedError(UnavailableError):
    """More is asked than can be answered. retry_after: whole seconds after which to ask again."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SetupError(SatchelError):
    """An operator must act."""


class DataFolderInUseError(SetupError):
    """Another process holds the data folder."""


class EncoderMismatchError(SetupError):
    """The index was built by another encoder."""


class MasterKeyError(SetupError):
    """The key that opens what is encrypted is missing, or is another."""


class CorruptFileError(SetupError):
    """A file is not what it should be."""
