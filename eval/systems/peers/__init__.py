"""Other memory systems, each in an environment of its own, spoken to over a pipe."""
