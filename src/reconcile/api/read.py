"""`reconcile.read`: a ledger from wherever it is, with its tables as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.api.given import GivenLedger, PathLike, ledger_of

if TYPE_CHECKING:
    from reconcile.api.nouns import Ledger


def read(source: GivenLedger, *, mapping: PathLike | None = None) -> Ledger:
    """A ledger from a folder, a file, or frames; `ledger.fills`, `ledger.equity` and so on are pandas frames.

    mapping: a file that says what a foreign ledger calls things.

    >>> reconcile.read("results/candidate").fills.head(2)

    Raises InputError: not a ledger, a file that cannot be read, a mapping that does not fit.
    """
    from reconcile.api.nouns import Ledger, with_frames

    found = with_frames(ledger_of(source, "source", mapping).ledger)
    assert isinstance(found, Ledger)
    return found
