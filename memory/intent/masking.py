"""Masking: personal data and secrets are replaced by their kind before a text is shown or clustered.

Phone numbers are found by `phonenumbers`, checksums of cards and bank accounts by `python-stdnum`; the
rules here find the rest. `docs/models/intent.md` has the measured recall and what is missed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
from stdnum import iban, luhn

# Regions by whose rules a number without a country code is read.
_REGIONS = ("US", "GB", "DE")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without what was found, and how often each kind was."""

    text: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Find:
    start: int
    end: int
    kind: str


_KEY = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,})",
    r"\b(?:sk|pk|rk)[-_](?:live|test|ant|proj)?[-_]?[A-Za-z0-9_-]{16,}",
    r"\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{20,}",
    r"\bpypi-[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
    r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",
    r"\b[Bb]earer\s+[\w.~+/=-]{16,}",
)
_ASSIGNED = re.compile(
    r"(?<![A-Za-z])(?:api[_ -]?key|apikey|secret(?:[_ -]?(?:access[_ -]?)?key)?|"
    r"access[_ -]?(?:key|token)|auth[_ -]?token|token"
    r"|passw(?:or)?d|passwort|passphrase|pwd|pin|client[_ -]?secret|private[_ -]?key|contraseña|mot de passe)"
    r"(?:\s+(?:is|ist|es|est)\s+|\s*[:=]+\s*)[\"'`]?(?P<value>[^\s\"'`,;]{4,})",
    re.IGNORECASE,
)
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    *(("key", re.compile(rule, re.DOTALL)) for rule in _KEY),
    (
        "email",
        re.compile(r"[\w.+%'-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\s?(?:\.|\[dot\]|\(dot\))\s?[\w-]{2,})+"),
    ),
    (
        "ip",
        re.compile(
            r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b|"
            r"\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b",
            re.IGNORECASE,
        ),
    ),
    ("ssn", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    ("path", re.compile(r"(?:/(?:home|Users)/|[A-Z]:\\Users\\)[^\s\"'<>|]+")),
    (
        "address",
        re.compile(
            r"\b\d{1,5}[a-z]?,? (?:[A-Z][\w'.-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|"
            r"Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Boulevard|Blvd|Square|Close|Terrace)\b\.?"
            r"|\b[A-ZÄÖÜ][\wäöüß-]*(?:straße|strasse|str\.|gasse|weg|platz|allee) \d{1,4}[a-z]?\b"
            r"|\b(?:rue|avenue|boulevard|calle|via|avenida) [^\n,]{3,40}?,? \d{1,4}\b|"
            r"\b\d{1,4},? (?:rue|avenue|boulevard) (?:de |du |des |la |d')*[A-ZÉ][\w-]+",
        ),
    ),
    (
        "name",
        re.compile(
            r"(?:(?<=my name is )|(?<=My name is )|(?<=i am called )|(?<=Dear )|(?<=Mr )|"
            r"(?<=Mrs )|(?<=Ms )|(?<=Dr )|(?<=Mr\. )|(?<=Mrs\. )|(?<=Ms\. )|(?<=Dr\. )"
            r"|(?<=ich heiße )|(?<=me llamo )|(?<=je m'appelle )|(?<=Regards,\n)|"
            r"(?<=regards,\n)|(?<=Best,\n)|"
            r"(?<=Thanks,\n))[A-ZÀ-Þ][\w'-]+(?: [A-ZÀ-Þ][\w'-]+){0,2}"
        ),
    ),
)
_DIGITS = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
# In how many steps a match may be shortened to end at a valid account number.
_SHORTER = 4


def mask(text: str) -> Masked:
    """Return `text` with each find replaced by its kind in brackets, as in `[email]`."""
    chosen: list[_Find] = []
    for find in sorted(_finds(text), key=lambda find: (find.start, -find.end)):
        if not chosen or find.start >= chosen[-1].end:
            chosen.append(find)
    counts: dict[str, int] = {}
    parts, at = [], 0
    for find in chosen:
        parts += [text[at : find.start], f"[{find.kind}]"]
        at = find.end
        counts[find.kind] = counts.get(find.kind, 0) + 1
    return Masked("".join([*parts, text[at:]]), counts)


def _finds(text: str) -> Iterator[_Find]:
    for kind, rule in _RULES:
        yield from (_Find(found.start(), found.end(), kind) for found in rule.finditer(text))
    yield from (_Find(*found.span("value"), "key") for found in _ASSIGNED.finditer(text))
    yield from _cards(text)
    yield from _accounts(text)
    yield from _phones(text)


def _cards(text: str) -> Iterator[_Find]:
    for found in _DIGITS.finditer(text):
        if luhn.is_valid(re.sub(r"\D", "", found[0])):
            yield _Find(found.start(), found.end(), "card")


def _accounts(text: str) -> Iterator[_Find]:
    for found in _IBAN.finditer(text):
        words = found[0].split(" ")
        for cut in range(min(_SHORTER, len(words))):
            part = " ".join(words[: len(words) - cut])
            if iban.is_valid(part):
                yield _Find(found.start(), found.start() + len(part), "iban")
                break


def _phones(text: str) -> Iterator[_Find]:
    if not any(char.isdigit() for char in text):
        return
    for region in _REGIONS:
        for found in phonenumbers.PhoneNumberMatcher(text, region):
            # Dates, prices and years look like short national numbers.
            if sum(char.isdigit() for char in found.raw_string) >= 8:  # noqa: PLR2004
                yield _Find(found.start, found.end, "phone")
