"""Comparing two ledgers: breaks, the first divergence, roots and consequences."""
