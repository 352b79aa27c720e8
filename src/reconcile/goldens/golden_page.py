"""The pages of `reconcile golden`, and the text that the journal and failing tests share with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconcile.goldens.model import (
    SOUND,
    Cause,
    CauseKind,
    Change,
    CheckResult,
    CheckStatus,
    Fault,
    Figures,
    FirstDivergence,
    Golden,
    Pending,
)
from reconcile.goldens.row_diff import FileDiff, Style, diff_lines, plain, row_diffs
from reconcile.text.escape import printable
from reconcile.text.json_text import to_json
from reconcile.text.layout import aligned, wrapped

SHOWN = 8
"""The most faults, or cases, that are listed; the rest is only counted."""

FEW_ROWS, MORE_ROWS = 2, 6
"""Changed rows that are shown of a table, at first and when more is asked for."""
MOST_CASES = 40
"""The most cases of a group that are shown when more is asked for."""
UNKNOWN = "-"
_SHORT = {"costs.commission.rate": "commission", "costs.slippage.rate": "slippage"}


def check_page(checked: Sequence[CheckResult]) -> str:
    """The page of `golden check`. The first line is the answer."""
    lines = [check_headline(checked)]
    shown: dict[tuple[Fault, ...], str] = {}
    for one in checked:
        if one.faults and one.faults in shown:  # the journal's, which concern every golden
            lines += ["", f"{printable(one.case, 60)}: {one.status.value}, as {shown[one.faults]}"]
        elif one.status not in (CheckStatus.HOLDS, CheckStatus.SEALED):
            lines += ["", *case_lines(one)]
            shown[one.faults] = printable(one.case, 60)
    if any(one.change is not None for one in checked):
        lines += ["", "next: reconcile golden review"]
    return "\n".join(lines)


def check_json(checked: Sequence[CheckResult]) -> str:
    """The same as JSON; `text/schemas/golden.json` describes it."""
    counts = Counter(one.status for one in checked)
    return to_json(
        {
            "kind": "tieout.golden",
            "version": 1,
            "counts": {status.value: counts[status] for status in CheckStatus if counts[status]},
            "cases": [
                {
                    "case": one.case,
                    "status": one.status.value,
                    "said": one.said,
                    "pending": one.change is not None,
                }
                for one in checked
            ],
        }
    )


def check_headline(checked: Sequence[CheckResult]) -> str:
    """How many goldens hold, and the statuses of the others."""
    counts = Counter(one.status for one in checked)
    bad = {status: counts[status] for status in CheckStatus if counts[status] and status not in SOUND}
    held, sealed = counts[CheckStatus.HOLDS], counts[CheckStatus.SEALED]
    parts = [f"{number:,} {status.value}" for status, number in bad.items()]
    if bad:
        failing = sum(bad.values())
        verb = "does" if failing == 1 else "do"
        head = f"{failing:,} of {count(len(checked), 'golden')} {verb} not hold: {', '.join(parts)}"
    elif not held and not sealed:
        head = "no golden was checked"
    elif not held:
        head = f"{count(sealed, 'golden')} {'is' if sealed == 1 else 'are'} whole, and asserted by tests"
    else:
        head = f"{held:,} of {count(len(checked), 'golden')} {'holds' if held == 1 else 'hold'}"
    if sealed and (held or bad):
        head += f"; {sealed:,} asserted by tests, and whole"
    if counts[CheckStatus.NOT_RUN]:
        names = ", ".join(printable(one.case, 60) for one in checked if one.status is CheckStatus.NOT_RUN)
        head += f"; not run: {names}"
    return head


def case_lines(one: CheckResult) -> list[str]:
    """The lines of one case: its name and status, then the reason."""
    lines = [f"{printable(one.case, 60)}: {one.status.value}"]
    if one.said:
        lines.append(f"  {printable(one.said)}")
    lines += [f"  {text}" for text in fault_lines(one.faults)]
    if one.status is CheckStatus.TAMPERED:
        lines.append("  restore its folder, or the journal, from version control")
    if one.change is not None:
        lines += [f"  {text}" for text in change_lines(one.change)]
    return lines


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    """One line for each place where a golden's files are not what was accepted."""
    lines = []
    for fault in faults[:SHOWN]:
        where = ", ".join(part for part in (fault.file, fault.row, fault.column) if part)
        lines.append(f"{printable(where, 200)}: {printable(fault.found, 200)}")
    if len(faults) > SHOWN:
        lines.append(f"and {len(faults) - SHOWN} more")
    return lines


def change_lines(change: Change) -> list[str]:
    """The lines of a change: causes, first divergence, number of breaks, return before and after."""
    lines = [f"cause   {'; '.join(map(cause_text, change.causes)) or 'how it is recorded'}"]
    if change.before is None:
        return [*lines, f"holds   {_figures_text(change.after)}"]
    if change.first is None:
        return [*lines, "ledger  the same"]
    lines.append(f"first   {first_text(change.first)}")
    if change.by_stage:
        lines.append(f"{'breaks' if change.whole else 'rows'}  {stages_text(change)}")
    old, new = percents(change.before.total_return, change.after.total_return)
    lines.append(f"return  {old} -> {new}")
    return [f"{line[:8].rstrip():<8}{line[8:]}" for line in lines]


def first_text(first: FirstDivergence) -> str:
    """The first divergence in one line."""
    where = [] if first.rebalance is None else [f"rebalance {first.rebalance}"]
    where += [first.timestamp.removesuffix("T00:00:00").replace("T", " ")] if first.timestamp else []
    where.append(f"{first.table} {first.field}")
    where += [printable(first.symbol, 60)] if first.symbol is not None else []
    sides = ("nothing" if side is None else printable(side, 60) for side in (first.before, first.after))
    old, new = sides
    return f"{', '.join(where)}: {old} (golden) vs {new} (new)"


def stages_text(change: Change) -> str:
    """Breaks by stage, or, when not all rows were compared, rebalances by column of the summary."""
    counts = ", ".join(f"{stage} {number:,}" for stage, number in change.by_stage.items())
    return counts if change.whole else f"{count(change.rebalances, 'rebalance')} differ: {counts}"


def _figures_text(figures: Figures) -> str:
    old, _ = percents(figures.total_return, figures.total_return)
    return f"{whole(figures.fills)} fills, return {old}"


def review_page(
    groups: Sequence[Group], edited: Mapping[str, tuple[Fault, ...]], goldens: Mapping[str, Golden]
) -> str:
    """The page of `golden review`. The first line says how much is pending. goldens: on record, by case."""
    lines = [review_headline(groups)] if groups or not edited else ["nothing that is pending can be accepted"]
    for group in groups:
        lines += ["", *group_lines(group, goldens)]
    return "\n".join([*lines, *edited_lines(edited)])


def review_headline(groups: Sequence[Group]) -> str:
    """The number of pending cases and of their causes."""
    cases = sum(len(group.pending) for group in groups)
    if not cases:
        return "nothing is pending"
    return f"{count(cases, 'case')} pending, {count(len(groups), 'cause')}"


def edited_lines(edited: Mapping[str, tuple[Fault, ...]]) -> list[str]:
    """The pending changes whose files were edited, by case; none of them can be accepted."""
    lines = []
    for case, faults in sorted(edited.items()):
        lines += ["", f"{printable(case, 60)}: its pending change was edited"]
        lines += [f"  {text}" for text in fault_lines(faults)]
        lines.append("  find it again: reconcile golden check, or the test that asserts it")
    return lines


def group_headline(group: Group) -> str:
    """`6 cases, 1 cause: commission 5 -> 8 bps; 3,412 fills; return 770.12 % -> 741.90 %`."""
    causes = "; ".join(map(cause_text, group.causes)) or "how it is recorded"
    cases = len(group.pending)
    most = moved_most(group)
    old, new = _returns(most.change)
    which = "" if cases == 1 else f" ({printable(most.change.case, 60)})"
    size = count(group.fills, "fill")
    head = f"{count(cases, 'case')}, {count(max(len(group.causes), 1), 'cause')}: {causes}; {size}"
    return f"{head}; return {new if most.change.before is None else f'{old} -> {new}'}{which}"


def group_lines(
    group: Group,
    goldens: Mapping[str, Golden],
    *,
    more: bool = False,
    style: Style = plain,
    width: int | None = None,
) -> list[str]:
    """The lines of a group: its causes, its first divergence, the effect on each case, and changed rows.

    goldens: on record, by case. more: every case, and more rows of each. width: of the terminal; no number
    is broken at its end.
    """
    lines = [group_headline(group)]
    begins = earliest(group)
    if begins is not None and begins.change.first is not None:
        lines.append(f"  first  {printable(begins.change.case, 60)}: {first_text(begins.change.first)}")
    shown = group.pending[: MOST_CASES if more else SHOWN]
    lines += [f"  {line}" for line in _effect_lines(shown, None if width is None else width - 2)]
    if len(shown) < len(group.pending):
        lines.append(f"  and {len(group.pending) - len(shown)} more cases")
    for one in shown if more else [begins or group.pending[0]]:
        found = row_diffs(goldens.get(one.change.case), one.golden, MORE_ROWS if more else FEW_ROWS)
        room = None if width is None else width - 4
        if more:
            lines += ["", f"  {printable(one.change.case, 60)}"]
            lines += [f"    {text}" for text in change_lines(one.change)]
        elif one.change.before is None:
            found = []  # the rows of a new case are shown when more is asked for
        for diff in found if more else _of_first(found, one.change.first):
            head, *rest = diff_lines(diff, style, room)
            lines += [f"  {'  ' if more else ''}{printable(one.change.case, 60)}, {head}"]
            lines += [f"    {text}" for text in rest]
    return [part for line in lines for part in wrapped(line, width)]


def _of_first(found: Sequence[FileDiff], first: FirstDivergence | None) -> Sequence[FileDiff]:
    """The table of the first divergence alone."""
    table = None if first is None else first.table
    return [diff for diff in found if diff.file == table][:1] or found[:1]


def _effect_lines(shown: Sequence[Pending], width: int | None) -> list[str]:
    """One line per case; where that is wider than the terminal, one line per case and figure."""
    rows = [("", *(head for head, _ in _EFFECTS)), *map(_effect_row, shown)]
    lines = aligned(rows, "<")
    if width is None or max(map(len, lines)) <= width:
        return lines
    heads = rows[0][1:]
    return [
        line
        for case, *cells in rows[1:]
        for line in (case, *(f"  {text}" for text in aligned(zip(heads, cells, strict=True), "<")))
    ]


def _returns(change: Change) -> tuple[str, str]:
    return percents(change.before.total_return if change.before else None, change.after.total_return)


def _effect_row(one: Pending) -> tuple[str, ...]:
    return (printable(one.change.case, 40), *(show(one.change) for _, show in _EFFECTS))


def _moved(old: str, new: str) -> str:
    return new if old == new or old == "-" else f"{old} -> {new}"


def _count_moved(change: Change) -> str:
    return _moved(whole(change.before.fills if change.before else None), whole(change.after.fills))


def _drawdown(change: Change) -> str:
    before = change.before
    return _moved(*percents(before.max_drawdown if before else None, change.after.max_drawdown))


def _money_moved(name: str) -> Callable[[Change], str]:
    def show(change: Change) -> str:
        before = None if change.before is None else getattr(change.before, name)
        return _moved(money(before), money(getattr(change.after, name)))

    return show


_EFFECTS: tuple[tuple[str, Callable[[Change], str]], ...] = (
    ("return", lambda change: _moved(*_returns(change))),
    ("drawdown", _drawdown),
    ("commission", _money_moved("commission")),
    ("slippage", _money_moved("slippage")),
    ("fills", _count_moved),
)


def percent(value: Decimal | None) -> str:
    """A fraction in percent, with two decimals."""
    return UNKNOWN if value is None else f"{value * 100:,.2f} %"


def percents(old: Decimal | None, new: Decimal | None) -> tuple[str, str]:
    """Two fractions in percent, with as many decimals as it takes to distinguish them, at most 7."""
    if old is None or new is None:
        return percent(old), percent(new)
    for decimals in range(2, 8):
        shown = f"{old * 100:,.{decimals}f} %", f"{new * 100:,.{decimals}f} %"
        if shown[0] != shown[1] or old == new:
            return (percent(old), percent(new)) if old == new else shown
    return shown


def money(value: Decimal | None) -> str:
    """An amount with all its digits, or "-"."""
    return UNKNOWN if value is None else f"{value:,f}"


def whole(value: int | None) -> str:
    """A count, or "-"."""
    return UNKNOWN if value is None else f"{value:,}"


def count(number: int, noun: str) -> str:
    """`1 case`, `6 cases`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cause_text(cause: Cause) -> str:
    """One cause in words: `commission 5 -> 8 bps`."""
    if cause.kind is CauseKind.NEW:
        return "new case"
    if cause.kind is CauseKind.CODE:
        what = f", {cause.what}" if cause.what else ""
        return f"code (scenario, data and semantics are the same{what})"
    unit = f" {cause.unit}" if cause.unit else ""
    sides = (cause.before, cause.after)
    most = 160 if cause.kind is CauseKind.TOLERANCE else 60  # a bound comes with its reason
    before, after = ("none" if side is None else printable(side, most) for side in sides)
    moved = f"{before} -> {after}{unit}"
    if cause.kind is CauseKind.SCENARIO:
        name = _SHORT.get(cause.what, cause.what) if cause.unit else cause.what
        return f"{printable(name, 80)} {moved}"
    if cause.kind is CauseKind.TOLERANCE:
        return f"tolerance {printable(cause.what, 60)} {before} -> {after}"
    if cause.kind is CauseKind.DATA:
        return f"data of {printable(cause.what, 60)} {moved}"
    return f"{cause.kind.value} {moved}"


@dataclass(frozen=True, slots=True)
class Group:
    """Pending cases with the same causes, by name. fills, rebalances: sums of those that changed."""

    causes: tuple[Cause, ...]
    pending: tuple[Pending, ...]
    fills: int
    rebalances: int


def group_by_cause(pending: Iterable[Pending]) -> tuple[Group, ...]:
    """One group for each set of causes. The group with most cases comes first."""
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
    """The case whose return changed most, or the first case when none did."""

    def moved(one: Pending) -> Decimal:
        before, after = one.change.before, one.change.after
        old = Decimal(0) if before is None else before.total_return or Decimal(0)
        return abs((after.total_return or Decimal(0)) - old)

    return max(group.pending, key=moved)


def earliest(group: Group) -> Pending | None:
    """The case with the earliest first divergence, None when no ledger differs."""
    found = [one for one in group.pending if one.change.first is not None]
    return min(found, key=lambda one: one.change.first.timestamp if one.change.first else "", default=None)
