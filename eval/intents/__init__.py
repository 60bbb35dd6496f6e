"""How the intent tagger and the risk flags are made and judged."""
