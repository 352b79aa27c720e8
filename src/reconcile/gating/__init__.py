"""The gate: goldens hold, results have not drifted, and the engine has not become slower.

`gate` makes the checks; `decide` is the rule that throughput is decided by, a pure function of paired
timings.
"""
