"""`reconcile.read`: a ledger from wherever it is, with its tables as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.api.given import GivenLedger, PathLike, ledger_of
from reconcile.files.arguments import PATH, takes
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.ledger.frames import Ledger


@takes(mapping=PATH)
def read(
    *source: GivenLedger,
    mapping: PathLike | None = None,
    format: str | None = None,
    symbol: str | None = None,
    zone: str | None = None,
    strategy: str | None = None,
) -> Ledger:
    """A ledger from a folder, a file, or frames; `ledger.fills`, `ledger.equity` and so on are pandas frames.

    source: one ledger in any form; or the name of an export format, and a file. mapping: a file that says
    what a foreign ledger calls things. symbol, zone: what an export does not hold. strategy: the one to
    read of an export about several.

    >>> reconcile.read("results/candidate").fills.head(2)
    >>> reconcile.read("tradingview", "trades.csv", symbol="BTCUSDT").fills

    Raises InputError: not a ledger, a file that cannot be read, a mapping or format that does not fit.
    """
    from reconcile.formats.model import Options
    from reconcile.ledger.frames import with_frames

    if len(source) == 2 and format is None and isinstance(source[0], str):
        format, given = source[0], source[1]
    elif len(source) == 1:
        given = source[0]
    else:
        found = f"{len(source)} arguments"
        raise InputError(
            "read", found, "a ledger, or a format and a file", "Write it like read('vectorbt', path)."
        )
    return with_frames(ledger_of(given, "source", mapping, format, Options(symbol, zone, strategy)).ledger)
