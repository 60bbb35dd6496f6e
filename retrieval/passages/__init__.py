"""Turns made ready for search: excerpts, terms, token vectors."""
