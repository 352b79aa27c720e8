"""Which rows of two ledgers belong together, and where their cells differ."""
