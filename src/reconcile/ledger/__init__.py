"""Ledgers: read, written, digested, and made of tables under any names."""
