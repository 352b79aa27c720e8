"""Whose rules a ledger follows: the conventions of known engines, as data."""
