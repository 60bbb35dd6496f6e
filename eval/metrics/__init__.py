"""One measure a file; each a pure function on plain sequences."""
