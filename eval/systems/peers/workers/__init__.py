"""Scripts that run in the peers' environments; nothing here is imported by ours."""
