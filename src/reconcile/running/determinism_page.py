"""What is shown of a side that disagrees with itself: a page, or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconcile.comparing.break_page import value_text
from reconcile.text.escape import printable
from reconcile.text.times import Clock, short_clock

if TYPE_CHECKING:
    from reconcile.running.determinism import Disagreement
    from reconcile.running.determinism_difference import Difference
    from vocabulary.market import Market

ORDER = "the same rows in another order or form"


def conditions() -> str:
    """What was varied, in words."""
    from reconcile.running.determinism import CONDITIONS

    return "; ".join(map(str, CONDITIONS))


def twice_page(found: Disagreement, out: str | None) -> str:
    """The page; its first line names the first difference of the first side that has one."""
    clock = short_clock(found.market)
    lines = [f"not deterministic: {_headline(one, clock)}" for one in found.differences]
    lines += ["", *_around(found.differences[0], clock)]
    lines += [f"compared      nothing: {_name(found.differences[0].side)} has no one answer to compare"]
    lines += [] if out is None else [f"written       nothing; {printable(out)} is as it was"]
    return "\n".join(lines)


def _headline(one: Difference, clock: Clock) -> str:
    left, right = _values(one, clock)
    first, second = one.runs
    where = ", ".join(_where(one, clock))
    return f"{_name(one.side)} disagrees with itself: {where}: {left} ({first}) vs {right} ({second})"


def _name(side: str) -> str:
    return f"the {side}" if side in ("reference", "engine") else f"candidate {printable(side, 60)}"


def _where(one: Difference, clock: Clock) -> Iterator[str]:
    if one.found is None:
        yield one.where
        if one.timestamp is not None:
            yield clock(one.timestamp)
        yield printable(one.field, 60)
        return
    if one.found.rebalance is not None:
        yield f"rebalance {one.found.rebalance}"
    yield clock(one.found.timestamp)
    field = one.found.type.value if one.found.field == "row" else printable(one.found.field, 60)
    yield f"{one.found.table.removesuffix('s')} {field}"
    if one.found.symbol is not None:
        yield printable(one.found.symbol, 60)


def _values(one: Difference, clock: Clock) -> tuple[str, str]:
    if one.found is None:
        return printable(one.values[0], 60), printable(one.values[1], 60)
    return value_text(one.found, "reference", clock), value_text(one.found, "candidate", clock)


def _around(one: Difference, clock: Clock) -> Iterator[str]:
    from reconcile.running.determinism import CONDITIONS

    if one.found is None:
        yield f"stage         none: {ORDER}"
    else:
        decided = one.found.decided_at
        yield f"stage         {one.found.stage.value}" + (f", decided {clock(decided)}" if decided else "")
    for number, condition in enumerate(CONDITIONS, 1):
        yield f"{f'run {number}':<14}a fresh process: {condition}"
    if "this run" in one.runs:
        yield f"{'this run':<14}the command itself"
    yield "look for      the order of a set, an unseeded random number, the clock, threads, what is kept"


def twice_json(found: Disagreement) -> str:
    """The JSON that stands in place of a summary; the keys are in reconcile.running.summary's docstring."""
    from reconcile.running.summary import KIND, VERSION, to_json

    apart = {one.side for one in found.differences}
    sides = {
        label: {"name": side, "deterministic": side not in apart}
        for label, side in zip(("reference", "candidate"), found.sides, strict=True)
    }
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": "not_deterministic",
            "breaks": None,
            "first": None,
            "disagreements": [_as_data(one, found.market) for one in found.differences],
            **sides,
        }
    )


def _as_data(one: Difference, market: Market) -> dict[str, Any]:
    from reconcile.running.summary import first_break
    from reconcile.text.times import stamp

    if one.found is None:
        told: dict[str, Any] = dict.fromkeys(("rebalance", "decided_at", "stage", "symbol"))
        told |= {"timestamp": stamp(market, one.timestamp), "type": one.where, "field": one.field}
        values = list(one.values)
    else:
        told = first_break(one.found, market)
        values = [told.pop("reference"), told.pop("candidate")]
    return {"side": one.side, **told, "runs": list(one.runs), "values": values}
