"""What text can be stored."""

from memory.errors import TextError


def storable(field: str, text: str) -> str:
    """Return `text` if every store keeps it as it is, else raise `TextError`.

    Refused are lone surrogates, which no UTF-8 file can hold, and NUL, which PostgreSQL refuses.
    """
    if "\x00" in text:
        raise TextError(f"{field} holds a NUL character at {text.index(chr(0))}; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"{field} holds a lone surrogate at {error.start}; send well-formed Unicode"
        ) from error
    return text
