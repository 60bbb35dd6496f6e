"""Commands that fit what `retrieval/models` ships."""
