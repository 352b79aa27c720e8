"""Digest chains, held against the tables again before they count.

A manifest's chain says what the tables were when it was written. Where hashing them now gives another one,
they were edited since, and such a ledger passes nothing. Two chains that hold and are equal settle that the
ledgers are; where they part is found by bisection.
"""

from __future__ import annotations

from reconcile.ledger.digest import chain_bars, first_link_apart, verify_chain
from reconcile.matching.model import Chains, ChainSide, ChainState
from vocabulary.ledger import SCHEMA, Ledger

NOT_HELD = ChainSide(ChainState.NOT_HELD)
UNTOLD = Chains(NOT_HELD, NOT_HELD, None, None)
"""Where only the first divergence was looked for."""


def hold_chains(reference: Ledger, candidate: Ledger) -> Chains:
    """Hash the tables of both again."""
    sides = hold_chain(reference), hold_chain(candidate)
    if not all(side.state is ChainState.HOLDS for side in sides):
        return Chains(*sides, None, None)
    one, other = reference.manifest.chain or (), candidate.manifest.chain or ()
    place = first_link_apart(one, other)
    if place is None:
        return Chains(*sides, True, None)
    bars = [chain_bars(ledger) for ledger in (reference, candidate)]
    return Chains(*sides, False, min(int(each[place]) for each in bars if place < len(each)))


def hold_chain(ledger: Ledger) -> ChainSide:
    """Hash the tables of one ledger again."""
    if ledger.manifest.chain is None:
        return ChainSide(ChainState.NONE)
    place = verify_chain(ledger)
    if place is None:
        return ChainSide(ChainState.HOLDS)
    if place == 0 and any(
        name not in ledger.tables or set(columns) - set(ledger.tables[name].columns)
        for name, columns in SCHEMA.items()
    ):
        return NOT_HELD  # it may have been written for more than there is now
    bars = chain_bars(ledger)
    return ChainSide(ChainState.BROKEN, int(bars[min(place, len(bars) - 1)]) if len(bars) else None)
