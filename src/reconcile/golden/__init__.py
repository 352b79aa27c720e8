"""Golden files: pinned ledgers that change only by an accepted, explained decision.

`check_goldens` runs a project's cases and holds them against what is on file; a change is pending until
`accept` makes it the golden and tells the journal why. Names load on first use: the pytest plugin lives
here, and must cost nothing to tests that do not use it.
"""
