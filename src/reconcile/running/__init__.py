"""One run: a scenario through the reference and a candidate, and whether each agrees with itself."""
