"""One function per command, on whatever a caller has at hand, with results that show themselves.

The command line parses its words, calls one of these functions, and prints the result. `reconcile`
exports them.
"""
