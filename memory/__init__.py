"""What is remembered: turns, sessions, the ledger, encoders, purge."""
