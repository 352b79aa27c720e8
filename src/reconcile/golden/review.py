"""What is pending, grouped by cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reconcile.golden.model import Cause, Pending


@dataclass(frozen=True, slots=True)
class Group:
    """Pending cases of the same causes, by name. fills, rebalances: that changed, summed."""

    causes: tuple[Cause, ...]
    pending: tuple[Pending, ...]
    fills: int
    rebalances: int


def groups_of(pending: Iterable[Pending]) -> tuple[Group, ...]:
    """One group for each set of causes, the one of most cases first."""
    found: dict[frozenset[Cause], list[Pending]] = {}
    for one in sorted(pending, key=lambda each: each.change.case):
        found.setdefault(frozenset(one.change.causes), []).append(one)
    made = [
        Group(
            members[0].change.causes,
            tuple(members),
            sum(one.change.fills for one in members),
            sum(one.change.rebalances for one in members),
        )
        for members in found.values()
    ]
    return tuple(sorted(made, key=lambda group: (-len(group.pending), group.pending[0].change.case)))


def moved_most(group: Group) -> Pending:
    """The case whose return changed most; the first one where none did."""

    def moved(one: Pending) -> Decimal:
        before, after = one.change.before, one.change.after
        old = Decimal(0) if before is None else before.total_return or Decimal(0)
        return abs((after.total_return or Decimal(0)) - old)

    return max(group.pending, key=moved)


def earliest(group: Group) -> Pending | None:
    """The case with the earliest first divergence, None where no ledger differs."""
    found = [one for one in group.pending if one.change.first is not None]
    return min(found, key=lambda one: one.change.first.timestamp if one.change.first else "", default=None)
