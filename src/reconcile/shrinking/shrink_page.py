"""The texts of `reconcile shrink`: its page, WHY.md, the marker file, and the test that fails today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconcile.comparing.wording import describe
from reconcile.text.escape import printable
from reconcile.text.layout import aligned
from reconcile.text.times import short_clock

if TYPE_CHECKING:
    from reconcile.shrinking.cases import BrokenCase, Shrunk
    from vocabulary.market import Market

WIDE = 60
BARS_SHOWN = 60
"""The most rows of bars that WHY.md shows."""

NO_CAUSE = """unexplained: of the whole case it names no cause that holds here, too
(on so few bars many a cause would fit by chance; none is named that the whole case does not bear out)"""

TEST = '''"""{first}

Written by `reconcile shrink`. It fails for as long as the candidate breaks here; run it where
{module} can be imported:

    python -m pytest {file}
"""

import sys
from importlib import import_module
from pathlib import Path

import pytest

import reconcile
from reconcile import reference
from reconcile.comparing.tolerances import read_tolerances
from reconcile.comparing.wording import headline
from reconcile.text.times import short_clock

HERE = Path(__file__).resolve().parent


def test_the_candidate_ties_out() -> None:
    sys.path.append(str(Path.cwd()))
    candidate = getattr(import_module("{module}"), "{function}")
    scenario = reconcile.scenario_from_file(HERE / "scenario.toml")
    market = reconcile.load_market(scenario)
    expected = reference.run(scenario, market)
    found = reconcile.compare(
        expected, candidate(scenario, market), scenario=scenario, market=market, tolerances={tolerances}
    )
    if found.breaks or not found.compared:
        pytest.fail(headline(found, short_clock(market)), pytrace=False)
'''


def shrink_page(shrunk: Shrunk, name: str, out: str) -> str:
    """The page: the break that is left, both sizes, causes and work."""
    before, after = shrunk.before, shrunk.after
    rows = [
        ("", "given", "shrunk"),
        *(
            (label, f"{a:,}", f"{b:,}")
            for label, a, b in zip(LABELS, sizes(before), sizes(after), strict=True)
        ),
    ]
    lines = [
        first_line(shrunk),
        "",
        *aligned(rows, "<>"),
        "",
        f"root          {_signature(shrunk)}",
        f"cause         {', '.join(shrunk.causes) or 'none that explain knows'}",
        f"candidate     {printable(name, 100)}",
        f"tried         {shrunk.trials:,} cases, {shrunk.seconds:.1f} s"
        + (", stopped at the bound: it may not be the smallest" if shrunk.stopped else ""),
        f"written       {printable(out, 200)}: scenario, bars, both ledgers, WHY.md, a test that fails today",
    ]
    return "\n".join(lines)


LABELS = ("symbols", "bars", "rebalances", "breaks")


def sizes(look: BrokenCase) -> tuple[int, int, int, int]:
    """The numbers that LABELS names."""
    bars, symbols = look.case.market.present.shape
    return symbols, bars, look.rebalances, len(look.found.breaks)


def first_line(shrunk: Shrunk) -> str:
    """The first divergence of the smallest case, in words."""
    first = shrunk.after.found.first
    assert first is not None
    return describe(first, short_clock(shrunk.after.case.market))


def _signature(shrunk: Shrunk) -> str:
    stage, kind, table, field = shrunk.root
    return f"{stage.value} stage: {kind.value} in {table}.{printable(field, 60)}"


def shrink_facts(shrunk: Shrunk, name: str) -> dict[str, Any]:
    """The keys of `summary.json` and of `--json`; `text/schemas/shrink.json` describes them."""
    return {
        "kind": "shrink",
        "version": 1,
        "candidate": name,
        "root": {
            "stage": shrunk.root.stage.value,
            "type": shrunk.root.type.value,
            "table": shrunk.root.table,
            "field": shrunk.root.field,
        },
        "first": first_line(shrunk),
        "causes": list(shrunk.causes),
        "before": dict(zip(LABELS, sizes(shrunk.before), strict=True)),
        "after": dict(zip(LABELS, sizes(shrunk.after), strict=True)),
        "dropped": list(shrunk.dropped),
        "trials": shrunk.trials,
        "stopped": shrunk.stopped,
    }


def test_file(shrunk: Shrunk, name: str) -> str:
    """The text of the test that fails today."""
    from reconcile.shrinking.case_folder import TEST as FILE

    module, _, function = name.partition(":")
    first = first_line(shrunk).replace("\\", "\\\\").replace('"', "'")
    bounds = 'read_tolerances(HERE / "tolerance.toml")' if shrunk.after.case.tolerances else "()"
    return TEST.format(first=first, module=module, function=function, file=FILE, tolerances=bounds)


def why(shrunk: Shrunk, name: str, page: str | None) -> str:
    """WHY.md: the break, both sizes, settings that are not needed, explain's page, the bars, how to rerun."""
    return "\n".join(_why(shrunk, name, page)) + "\n"


def _why(shrunk: Shrunk, name: str, page: str | None) -> Iterator[str]:
    yield "# Why this case breaks"
    yield ""
    yield from _quoted(first_line(shrunk))
    yield ""
    before, after = sizes(shrunk.before), sizes(shrunk.after)
    yield f"Shrunk by `reconcile shrink` for the candidate `{printable(name, 100)}`:"
    yield f"its first divergence is of the same kind as in the whole case ({_signature(shrunk)})."
    yield ""
    yield "| | given | shrunk |"
    yield "| --- | ---: | ---: |"
    for label, a, b in zip(LABELS, before, after, strict=True):
        yield f"| {label} | {a:,} | {b:,} |"
    yield ""
    if shrunk.dropped:
        yield "Not needed, or needed only so small: " + ", ".join(
            f"`{printable(each)}`" for each in shrunk.dropped
        )
        yield "(left to the default where no value stands there). Features are as the whole market gave them."
        yield ""
    yield "## What explain reports"
    yield ""
    yield from _quoted(NO_CAUSE if page is None else page)
    yield ""
    yield "## The bars"
    yield ""
    yield from _quoted("\n".join(_bars(shrunk.after.case.market)))
    yield ""
    yield "## Seeing it again"
    yield ""
    yield "Where the candidate's module can be imported:"
    yield ""
    shown = printable(name, 100)
    yield from _quoted(f"reconcile run scenario.toml {shown}\npython -m pytest test_shrunk.py")


def _quoted(text: str) -> Iterator[str]:
    """The text as an indented block, so that Markdown leaves it as it is."""
    for line in text.splitlines():
        yield f"    {line}".rstrip()


def _bars(market: Market) -> Iterator[str]:
    names = ("open", "high", "low", "close")
    unit = 10**market.price_decimals
    features = [name for name in market.features if name != "volume"]
    yield "  ".join(["timestamp", "symbol", *names, *(printable(each, 30) for each in features)])
    clock, rows = short_clock(market), 0
    for t, moment in enumerate(market.timestamps.tolist()):
        context = ", ".join(f"{printable(name, 30)} {values[t]:g}" for name, values in market.context.items())
        for s, symbol in enumerate(market.symbols):
            rows += 1
            if rows > BARS_SHOWN:
                yield "..."
                return
            prices = [f"{int(getattr(market, name)[t, s]) / unit:g}" for name in names]
            shown = prices if market.present[t, s] else ["absent"]
            more = [f"{float(market.features[name][t, s]):.9g}" for name in features]
            yield "  ".join([clock(moment), printable(symbol, 60), *shown, *more, context]).rstrip()
