"""Auditing one ledger alone: whether its numbers add up, and could have happened."""
