"""Which breaks are mistakes of their own, and which follow from others."""
