"""Migrations of the ledger, in order; never changed once released."""
