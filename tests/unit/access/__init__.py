"""Keys, tokens, limits, admission."""
