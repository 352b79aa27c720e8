"""What a comparison may claim: what was compared, what the manifests and digest chains say, the exit code.

A manifest's digest chain says what the tables were when it was written. Where hashing them now gives another
chain, they were edited since, and such a ledger passes nothing. Two chains that hold and are equal prove that
the ledgers are equal; where they part is found by bisection.
"""

from __future__ import annotations

from reconcile.ledger.digest import FaultKind, chain_bars, first_link_apart, verify_chain
from reconcile.ledger.figures import initial_cash
from reconcile.matching.model import (
    Chains,
    ChainSide,
    ChainState,
    Compared,
    NotCompared,
    Verdict,
    Why,
)
from vocabulary.ledger import KEYS, RUN_TABLES, SCHEMA, TIME_COLUMN, Ledger, Manifest

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
        for name, columns in SCHEMA.items()
        if name in RUN_TABLES or name in ledger.tables
    )


NOT_DETERMINISTIC = 3
"""The exit code where a side disagrees with itself."""


def exit_code(verdict: Verdict) -> int:
    """0 matched, 1 breaks, 2 where neither was shown."""
    return {"matched": 0, "breaks": 1}.get(verdict.value, 2)


def list_not_compared(
    reference: Ledger, candidate: Ledger, chosen: tuple[str, ...] | None
) -> tuple[NotCompared, ...]:
    """The tables and columns that were not compared, of all that either side has, and why.

    A ledger of ours must have every table and column of SCHEMA. Of two foreign ledgers, what neither has is
    not listed.
    """
    ours = any(ledger.manifest.semantics is not None for ledger in (reference, candidate))
    out: list[NotCompared] = []
    for name, schema in SCHEMA.items():
        left, right = reference.tables.get(name), candidate.tables.get(name)
        if chosen is not None and name not in chosen:
            if left is not None or right is not None:
                out.append(NotCompared(name, None, Why.NOT_NAMED))
            continue
        if left is None or right is None:
            if (
                name not in RUN_TABLES
                and chosen is None
                and not any(t is not None and t.rows for t in (left, right))
            ):
                continue  # no flows on either side
            if left is not None or right is not None or ours or chosen is not None:
                out.append(NotCompared(name, None, _absent(left is None, right is None)))
            continue
        if TIME_COLUMN[name] not in left.columns or TIME_COLUMN[name] not in right.columns:
            out.append(NotCompared(name, None, Why.NO_TIME))
            continue
        for column in dict.fromkeys((*schema, *left.columns, *right.columns)):
            lacks = column not in left.columns, column not in right.columns
            if any(lacks) and (ours or not all(lacks)):
                out.append(NotCompared(name, column, _absent(*lacks)))
    return tuple(out)


def _absent(left: bool, right: bool) -> Why:
    if left and right:
        return Why.ABSENT_IN_BOTH
    return Why.ABSENT_IN_REFERENCE if left else Why.ABSENT_IN_CANDIDATE


def absent_table_notes(reference: Ledger, candidate: Ledger) -> tuple[str, ...]:
    """A note on the tables that neither of two foreign ledgers has."""
    if any(ledger.manifest.semantics is not None for ledger in (reference, candidate)):
        return ()
    lacking = [name for name in RUN_TABLES if name not in reference.tables and name not in candidate.tables]
    return (f"Neither ledger has {', '.join(lacking)}.",) if lacking else ()


def decide_verdict(
    breaks: int,
    compared: tuple[Compared, ...],
    left_out: tuple[NotCompared, ...],
    chosen: tuple[str, ...] | None,
    chains: Chains,
) -> Verdict:
    """What may be claimed. That nothing was compared, or that a ledger was edited, is never a match."""
    if breaks:
        return Verdict.BREAKS
    told = {part.table for part in compared if set(part.columns) - set(KEYS[part.table])}
    if not any(part.reference_rows or part.candidate_rows for part in compared if part.table in told):
        return Verdict.NOTHING_COMPARED
    if ChainState.BROKEN in (chains.reference.state, chains.candidate.state):
        return Verdict.EDITED
    if chosen is not None:
        # A named table must have been compared in more columns than its keys.
        return Verdict.MATCHED if set(chosen) <= told else Verdict.MATCHED_AS_FAR_AS_COMPARED
    return Verdict.MATCHED_AS_FAR_AS_COMPARED if left_out else Verdict.MATCHED


def manifest_notes(reference: Manifest, candidate: Manifest) -> tuple[str, ...]:
    """Notes on manifest values that both ledgers state and that differ."""
    words = {
        "timing": "name different timings",
        "scenario": "were made from different scenarios",
        "market": "were made on different markets",
        "semantics": "follow different semantics",
        "timezone": "show their timestamps in different zones",
    }
    notes = [
        f"The two ledgers {words[name]}."
        for name in words
        if None not in (getattr(reference, name), getattr(candidate, name))
        and getattr(reference, name) != getattr(candidate, name)
    ]
    started = [initial_cash(manifest) for manifest in (reference, candidate)]
    if None not in started and started[0] != started[1]:
        notes.append("The two ledgers started with different cash.")
    zones = {"reference": reference.timezone, "candidate": candidate.timezone}
    for name, other in zip(zones, reversed(zones), strict=True):
        if zones[name] is None and zones[other] is not None:
            notes.append(
                f"The {name}'s times are clock times without a zone, the {other}'s instants of"
                f" {zones[other]}: the clock times were compared as if they were UTC."
            )
    return tuple(notes)
