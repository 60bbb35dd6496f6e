"""How the passages of one scope are scored: the same numbers, wherever their vectors are."""
