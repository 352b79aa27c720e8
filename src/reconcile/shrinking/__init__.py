"""From a candidate that breaks on a large market to the smallest case on which it breaks the same way."""
