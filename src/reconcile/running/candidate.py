"""A user's own engine standing in for ours: called in this process, and not trusted."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reconcile.running.failures import OF_A_LEDGER, Failure, failed
from reconcile.text.escape import error_message
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

Candidate = Callable[["Scenario", "Market"], Ledger]


def call_candidate(name: str, function: Candidate, scenario: Scenario, market: Market) -> Ledger:
    """The candidate's ledger; raises CallableError where it raises or returns anything else."""
    from reconcile.running.wire import malformed

    who = f"candidate {name}"
    hook = sys.excepthook
    try:
        ledger = function(scenario, market)
    except (TieoutError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too, and what other libraries derive from it directly
        facts = {"type": type(error).__name__, "text": error_message(error), "expected": OF_A_LEDGER}
        raise failed(who, Failure.EXCEPTION, **facts) from error
    finally:
        sys.excepthook = hook  # without one no thread starts, and the market would seem to be changed
    if not isinstance(ledger, Ledger):
        raise failed(who, Failure.NO_LEDGER, type=type(ledger).__qualname__)
    trouble = malformed(ledger)
    if trouble:
        raise failed(who, Failure.MALFORMED, trouble=trouble)
    return ledger


def check_unchanged(who: str, market: Market) -> None:
    """Raise CallableError where the market no longer is what its digest says."""
    from reconcile.market.edit import market_digest

    try:
        unchanged = market_digest(market) == market.digest
    except Exception:  # what was done to it may be anything
        unchanged = False
    if not unchanged:
        raise failed(who, Failure.MARKET_CHANGED)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """A user's print() goes to stderr: stdout belongs to the answer, whose first line is the verdict."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
