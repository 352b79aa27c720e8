"""Running what goldens are made of: the pair, or the reference over what a golden was made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.golden.causes import SCENARIO
from reconcile.golden.changes import first_of
from reconcile.golden.model import Golden, Place
from reconcile.golden.wording import count
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation
    from reconcile.running.progress import Watch
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


def run_pair(scenario: Scenario, market: Market, watch: Watch) -> tuple[Ledger, str]:
    """The ledger both programs agree on, and "", or else the reference's and how they part."""
    from reconcile.ledger.digest import chain
    from reconcile.running import run as running

    reference = running.run_reference(scenario, market, watch)
    engine = running.run_engine(scenario, market, watch)
    if chain(reference.ledger) == chain(engine.ledger):
        return reference.ledger, ""
    found = running.judge(scenario, market, reference, engine)
    return reference.ledger, f"engine and reference disagree: {parting(found, reference.ledger)}"


def parting(found: Reconciliation, ledger: Ledger) -> str:
    """How two ledgers part, in one line: how often, and where first."""
    if found.first is None:
        return "their ledgers have other tables or columns"
    one = first_of(found.first, ledger.manifest)
    left, right = ("nothing" if side is None else side for side in (one.before, one.after))
    where = [f"{one.table} {one.field}", *([one.symbol] if one.symbol else []), one.timestamp]
    values = f"{left} (reference) vs {right} (engine)"
    return f"{count(len(found.breaks), 'break')}, first {', '.join(where)}: {values}"


def earlier_ledger(golden: Golden, scenario: Scenario | None, market: Market | None) -> Ledger | None:
    """The ledger that a golden was made of, run anew from the scenario it keeps over the market at hand.

    None where that gives another ledger, as after a change of the reference or of the data, or cannot be run.
    """
    from reconcile.ledger.digest import ledger_digest
    from reconcile.running import run as running
    from reconcile.scenario.files import scenario_from_text

    text = golden.files.get(SCENARIO)
    if text is None or scenario is None or market is None:
        return None
    try:
        then = scenario_from_text(text.decode(), origin=scenario.origin, name=scenario.name)
        if then.market != scenario.market:
            return None
        ledger = running.run_reference(then, market).ledger
    except (TieoutError, UnicodeDecodeError):
        return None
    return ledger if ledger_digest(ledger) == golden.facts.figures.ledger else None


def absent_data(scenario: Scenario, place: Place) -> Path | None:
    """The market's file, where it is not there and not part of the project either."""
    from reconcile.market.builtin import BUILTINS

    if scenario.market.data in BUILTINS:
        return None
    file = Path(scenario.origin, scenario.market.data)
    outside = not file.resolve().is_relative_to(place.root.resolve())
    return file if outside and not file.exists() else None
