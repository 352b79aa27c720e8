"""The audit of one ledger: whether its numbers add up and, in a market, whether they could have happened."""
