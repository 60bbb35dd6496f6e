"""R1 to R27: what must never happen to a memory. `demanded.toml` says what each must show."""
