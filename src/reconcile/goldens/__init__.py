"""Golden files: pinned ledgers that change only by an accepted change, with a reason in the journal."""
