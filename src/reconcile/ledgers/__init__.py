"""Ledger files, frames and digests.

`write_ledger` and `read_ledger` keep a ledger exact on disk and read anyone's; `frame` and `from_frames`
go to and from pandas; `chain` hashes a ledger bar by bar. Names load on first use: a chain needs numpy alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.ledgers.cells import column_text, exact
    from reconcile.ledgers.chains import chain, chain_bars, first_link_apart, ledger_digest, verify_chain
    from reconcile.ledgers.columns import LedgerReading, Source, ledger_from_arrow
    from reconcile.ledgers.frames import frame, from_frames
    from reconcile.ledgers.numbers import Hint
    from reconcile.ledgers.reading import raw_tables, read_ledger, read_ledger_with_notes
    from reconcile.ledgers.shape import check_ledger
    from reconcile.ledgers.writing import write_ledger

__all__ = [
    "Hint",
    "LedgerReading",
    "Source",
    "chain",
    "chain_bars",
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

_HOMES = {
    "cells": ("column_text", "exact"),
    "chains": ("chain", "chain_bars", "first_link_apart", "ledger_digest", "verify_chain"),
    "columns": ("LedgerReading", "Source", "ledger_from_arrow"),
    "frames": ("frame", "from_frames"),
    "numbers": ("Hint",),
    "reading": ("raw_tables", "read_ledger", "read_ledger_with_notes"),
    "shape": ("check_ledger",),
    "writing": ("write_ledger",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"reconcile.ledgers.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'reconcile.ledgers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
