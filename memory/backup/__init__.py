"""Backups of the ledger: made while it is written to, verified by restoring them, without its keys.

A folder of backups looks like this:

    keyring.sqlite3                  the wrapped keys of all users there are now, and all tombstones
    20261123T131500Z/ledger.sqlite3  a copy of the ledger without keys
    20261123T131500Z/manifest.json   what it holds, with hashes, and when it expires

There is one keyring, replaced with each backup and each purge: a user who was purged is in none any more,
and what older copies hold of them can't be opened.
"""
