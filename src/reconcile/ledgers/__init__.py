"""Ledger files, frames and digests.

`write_ledger` and `read_ledger` keep a ledger exact on disk and read anyone's; `frame` and `from_frames`
go to and from pandas; `chain` hashes a ledger bar by bar.
"""

from reconcile.ledgers.cells import column_text, exact
from reconcile.ledgers.chains import chain, first_link_apart, ledger_digest, verify_chain
from reconcile.ledgers.columns import Hint, LedgerReading, Source, ledger_from_arrow
from reconcile.ledgers.frames import frame, from_frames
from reconcile.ledgers.reading import raw_tables, read_ledger, read_ledger_with_notes
from reconcile.ledgers.shape import check_ledger
from reconcile.ledgers.writing import write_ledger

__all__ = [
    "Hint",
    "LedgerReading",
    "Source",
    "chain",
    "check_ledger",
    "column_text",
    "exact",
    "first_link_apart",
    "frame",
    "from_frames",
    "ledger_digest",
    "ledger_from_arrow",
    "raw_tables",
    "read_ledger",
    "read_ledger_with_notes",
    "verify_chain",
    "write_ledger",
]
