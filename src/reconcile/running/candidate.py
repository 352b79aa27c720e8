"""A user's own engine standing in for ours: found, called, and not trusted."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from vocabulary.errors import CallableError, TieoutError
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Manifest, Table

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

Candidate = Callable[["Scenario", "Market"], Ledger]

TRACE = "Set TIEOUT_TRACEBACK=1 to see where."
BUILD = "Build one from data frames: reconcile.from_frames({'fills': fills, ...})."


def load_candidate(name: str, where: str = "candidate") -> Candidate:
    """The function that `module:function` names; raises InputError when there is none. where: the option or
    argument it was given as."""
    from reconcile.scenario.callables import resolve_callable

    with talking_to_stderr():
        return resolve_callable(name, "", where)


def call_candidate(name: str, function: Candidate, scenario: Scenario, market: Market) -> Ledger:
    """The candidate's ledger; raises CallableError where it raises or returns anything else."""
    where = f"candidate {name}"
    try:
        ledger = function(scenario, market)
    except TieoutError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, and what other libraries derive from it directly
        raise CallableError(where, f"{type(error).__name__}: {error}", "a Ledger", TRACE) from error
    if not isinstance(ledger, Ledger):
        raise CallableError(where, f"a {type(ledger).__qualname__}", "a Ledger", BUILD)
    trouble = _malformed(ledger)
    if trouble:
        raise CallableError(where, trouble, "a Ledger as vocabulary.ledger describes it", BUILD)
    return ledger


def check_unchanged(name: str, market: Market) -> None:
    """Raise CallableError where the market no longer is what its digest says."""
    from reconcile.market.edit import market_digest

    try:
        unchanged = market_digest(market) == market.digest
    except Exception:  # what was done to it may be anything
        unchanged = False
    if not unchanged:
        remedy = "Copy an array before writing to it: numpy.array(market.close)."
        raise CallableError(name, "the market it was given, changed", "read-only use", remedy)


@contextlib.contextmanager
def talking_to_stderr() -> Iterator[None]:
    """A user's print() goes to stderr: stdout belongs to the answer, whose first line is the verdict."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _malformed(ledger: Ledger) -> str | None:
    """What is wrong with the shape of a ledger made by hand, None when nothing is."""
    if not isinstance(ledger.manifest, Manifest):
        return f"a manifest that is a {type(ledger.manifest).__qualname__}"
    if not isinstance(ledger.tables, Mapping):
        return f"tables that are a {type(ledger.tables).__qualname__}"
    for name, table in ledger.tables.items():
        if name not in SCHEMA or not isinstance(table, Table):
            return f"a table {name!r} that is a {type(table).__qualname__}"
        for label, column in table.columns.items():
            trouble = _malformed_column(SCHEMA[name].get(label), column, table.rows)
            if trouble:
                return f"column {name}.{label}: {trouble}"
    return None


def _malformed_column(kind: Kind | None, column: Column, rows: int) -> str | None:
    if kind is None:
        return "not a column of this table"
    if not isinstance(column, Column):
        return f"a {type(column).__qualname__}"
    if column.kind is not kind:
        return f"kind {column.kind}, not {kind}"
    if getattr(column.values, "shape", None) != (rows,):
        return f"values of shape {getattr(column.values, 'shape', None)} in a table of {rows} rows"
    if column.missing is not None and getattr(column.missing, "shape", None) != (rows,):
        return f"missing of shape {getattr(column.missing, 'shape', None)} in a table of {rows} rows"
    if kind in (Kind.SYMBOL, Kind.WORD):
        return _malformed_codes(column)
    return None


def _malformed_codes(column: Column) -> str | None:
    if column.dictionary is None:
        return "no dictionary"
    if column.values.dtype.kind not in "iu":
        return f"codes of type {column.values.dtype}"
    codes = column.values if column.missing is None else column.values[~column.missing]
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < len(column.dictionary):
        return f"codes {codes.min()} to {codes.max()} for a dictionary of {len(column.dictionary)}"
    return None
