"""Unit, contract, property and end-to-end tests."""
