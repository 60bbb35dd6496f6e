"""A page in one file: no address is loaded, and it reads well light, dark, printed and on a phone."""

from html import escape
from importlib.resources import files


def document(title: str, body: str, *, script: str = "") -> str:
    """Return the page; `body` and `script` go in as they are."""
    code = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{resource('style.css')}</style></head>"
        f"<body>{body}{code}</body></html>\n"
    )


def resource(name: str) -> str:
    """Return a file of this package."""
    return (files("eval.report") / name).read_text(encoding="utf-8")
