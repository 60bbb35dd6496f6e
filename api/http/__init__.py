"""Satchel over HTTP."""
