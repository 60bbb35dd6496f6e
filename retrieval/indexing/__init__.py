"""Keeping an index equal to the ledger: fed, repaired, rebuilt, compared."""
