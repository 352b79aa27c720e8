"""What a comparison may claim: the verdict, the digest chains that it depends on, and the exit code.

A manifest's digest chain says what the tables were when it was written. Where hashing them now gives another
chain, they were edited since, and such a ledger passes nothing. Two chains that hold and are equal prove that
the ledgers are equal; where they part is found by bisection.
"""

from __future__ import annotations

from reconcile.ledger.digest import FaultKind, chain_bars, first_link_apart, verify_chain
from reconcile.matching.model import (
    Chains,
    ChainSide,
    ChainState,
    Compared,
    ManifestDifference,
    Verdict,
)
from reconcile.matching.stages import COMPARED, COMPARED_KEYS
from vocabulary.ledger import RUN_TABLES, Ledger

NOT_HELD = ChainSide(ChainState.NOT_HELD)
UNTOLD = Chains(NOT_HELD, NOT_HELD, None, None)
"""For a comparison that looked only for the first divergence: no table was hashed."""


def hold_chains(reference: Ledger, candidate: Ledger) -> Chains:
    """Hash the tables of both ledgers again and compare with their chains."""
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
    """Hash the tables of one ledger again and compare with its chain."""
    if ledger.manifest.chain is None:
        return ChainSide(ChainState.NONE)
    fault = verify_chain(ledger)
    if fault is None:
        return ChainSide(ChainState.HOLDS)
    place = fault.bars[0]
    if fault.kind is FaultKind.EDITED and place == 0 and _lacks_any(ledger):
        return NOT_HELD  # it may have been written for more than there is now
    bars = chain_bars(ledger)
    at = int(bars[min(place, len(bars) - 1)]) if len(bars) else None
    return ChainSide(ChainState.BROKEN, at, fault)


def _lacks_any(ledger: Ledger) -> bool:
    """Whether a table or column of a run of ours is missing."""
    return any(
        name not in ledger.tables or set(columns) - set(ledger.tables[name].columns)
        for name, columns in COMPARED.items()
        if name in RUN_TABLES or name in ledger.tables
    )


NOT_DETERMINISTIC = 3
"""The exit code where a side disagrees with itself."""


def exit_code(verdict: Verdict) -> int:
    """0 matched, 1 breaks, 2 where neither was shown."""
    return {"matched": 0, "breaks": 1}.get(verdict.value, 2)


def decide_verdict(
    breaks: int,
    compared: tuple[Compared, ...],
    complete: bool,
    chosen: tuple[str, ...] | None,
    contradicted: Verdict | None,
) -> Verdict:
    """What may be claimed where so many breaks were found.

    complete: all that both sources hold was compared. chosen: the tables named. contradicted: what forbids a
    match although nothing differs.
    """
    if breaks:
        return Verdict.BREAKS
    told = {part.table for part in compared if set(part.columns) - set(COMPARED_KEYS[part.table])}
    if not any(part.reference_rows or part.candidate_rows for part in compared if part.table in told):
        return Verdict.NOTHING_COMPARED
    if contradicted is not None:
        return contradicted
    if chosen is not None:
        # A named table must have been compared in more columns than its keys.
        return Verdict.MATCHED if set(chosen) <= told else Verdict.MATCHED_AS_FAR_AS_COMPARED
    return Verdict.MATCHED if complete else Verdict.MATCHED_AS_FAR_AS_COMPARED


def contradiction(
    chains: Chains, manifests: tuple[ManifestDifference, ...], idle: tuple[str, ...]
) -> Verdict | None:
    """What forbids a match of equal tables: an edited ledger, other manifests, or that nothing happened."""
    if ChainState.BROKEN in (chains.reference.state, chains.candidate.state):
        return Verdict.EDITED
    if manifests:
        return Verdict.MANIFESTS_DIFFER
    return Verdict.NOTHING_HAPPENED if idle else None
