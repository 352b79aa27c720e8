"""The mapping file: how a table from elsewhere becomes a table of a ledger."""
