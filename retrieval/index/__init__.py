"""The index port, what may stand before an index, and a turn as an index keeps it."""
