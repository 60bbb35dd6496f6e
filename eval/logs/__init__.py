"""One's own logs as an evidence file."""
