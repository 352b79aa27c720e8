"""Draws pairs until told to stop; what makes engine and reference differ is saved as a case.

Run by `make fuzz`. Each case is `tests/golden/found/<name>/` with scenario.toml and market.parquet, and is
from then on a test (test_pair.py). `FUZZ_SEED=n` starts at a given seed, `FUZZ_CASES=n` stops after n.

At the end it tells how often each convention was met: in how many pairs the ledger would be another with
another value of that setting. Each is counted up to ENOUGH; statuses of orders are counted, too.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drawn
import engine
import reference
from build import rows
from test_pair import assert_balanced, assert_end_to_end, assert_equal, assert_rebuilt
from vocabulary.errors import RangeError, TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, CommissionBase, ExitAt, OrdersStrategy, Scenario

FOUND = Path(__file__).parent / "golden" / "found"
ENOUGH = 200
Convention = tuple[str, str]
"""A setting and the value that was in force."""


def check(scenario: Scenario, market: Market, bar: int) -> Ledger | None:
    """All that test_pair.py claims, of one pair; its ledger, None where the engine refused the pair (U4).

    AssertionError where it fails.
    """
    expected = reference.run(scenario, market)
    assert_balanced(scenario, market, expected)
    try:
        ours = engine.run(scenario, market)
    except RangeError:
        return None
    assert_equal(ours, expected)
    start = reference.initial_state(scenario)
    first, state = engine.resume(scenario, market, start, bar)
    assert state == reference.resume(scenario, market, start, bar)[1]
    second, _ = engine.resume(scenario, market, state, len(market.timestamps))
    assert_end_to_end(first, second, expected)
    if bar:
        assert_rebuilt(scenario, market, ours, bar)
    return expected


def others(scenario: Scenario) -> Iterator[tuple[Convention, Scenario]]:
    """Every convention in force, each with a scenario that has another value of the same setting."""
    execution, strategy = scenario.execution, scenario.strategy
    for part, names in (
        (execution.levels, LEVELS),
        (execution, ("sequence", "cash")),
        (strategy, ("size_at",)),
    ):
        if part is strategy and isinstance(strategy.selection, OrdersStrategy):
            continue
        for name in names:
            value = getattr(part, name)
            for other in type(value):
                changed = dataclasses.replace(part, **{name: other})
                if other is not value:
                    yield (name, value.value), _with_part(scenario, part, changed)
    for rule in scenario.exits:
        at = getattr(rule, "at", None)
        if at is not None:
            other = ExitAt.CLOSE if at is ExitAt.LEVEL else ExitAt.LEVEL
            exits = tuple(
                dataclasses.replace(one, at=other) if one is rule else one for one in scenario.exits
            )
            yield (f"{type(rule).__name__} at", at.value), dataclasses.replace(scenario, exits=exits)
    yield from _numbers(scenario)


LEVELS = ("gap", "path", "trail", "touch", "armed")


def _numbers(scenario: Scenario) -> Iterator[tuple[Convention, Scenario]]:
    """Settings that are a number or absent, and the base of a commission."""
    commission, source = scenario.costs.commission, scenario.market
    if isinstance(commission, BpsCommission):
        other = CommissionBase.RAW if commission.on is CommissionBase.FILL else CommissionBase.FILL
        costs = dataclasses.replace(scenario.costs, commission=dataclasses.replace(commission, on=other))
        yield ("commission on", commission.on.value), dataclasses.replace(scenario, costs=costs)
    if commission is not None and commission.maximum is not None:
        costs = dataclasses.replace(scenario.costs, commission=dataclasses.replace(commission, maximum=None))
        yield ("commission", "maximum"), dataclasses.replace(scenario, costs=costs)
    if scenario.strategy.minimum_notional:
        strategy = dataclasses.replace(scenario.strategy, minimum_notional=0)
        yield ("strategy", "minimum_notional"), dataclasses.replace(scenario, strategy=strategy)
    for name, plain in (("lot", 1), ("carry", None)):
        if getattr(source, name) != plain:
            changed = dataclasses.replace(source, **{name: plain})
            yield ("market", name), dataclasses.replace(scenario, market=changed)


def _with_part(scenario: Scenario, part: Any, changed: Any) -> Scenario:
    if part is scenario.strategy:
        return dataclasses.replace(scenario, strategy=changed)
    if part is scenario.execution.levels:
        changed = dataclasses.replace(scenario.execution, levels=changed)
    return dataclasses.replace(scenario, execution=changed)


def count_met(met: Counter[Convention], scenario: Scenario, market: Market, ledger: Ledger) -> None:
    """Counts the conventions of a pair that make a difference in it, and what became of its orders."""
    done: set[Convention] = set()
    for convention, other in others(scenario):
        if convention in done or met[convention] >= ENOUGH:
            continue
        try:
            differs = not _same(engine.run(other, market), ledger)
        except TieoutError:
            continue
        if differs:
            done.add(convention)
    done |= {("status", str(row["status"])) for row in rows(ledger, "orders")}
    wanted = scenario.strategy.selection
    if isinstance(wanted, OrdersStrategy):
        done |= {("order", row.type.value) for row in wanted.rows}
    met.update(done)


def _same(one: Ledger, other: Ledger) -> bool:
    return all(rows(one, name) == rows(other, name) for name in ("orders", "fills", "equity"))


def save(scenario: Scenario, market: Market, name: str) -> Path:
    """Writes a pair as a case."""
    from reconcile.market.edit import make_market
    from reconcile.market.file import write_market
    from reconcile.scenario.orders import orders_text
    from reconcile.scenario.toml import scenario_to_toml

    folder = FOUND / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(scenario_to_toml(scenario), encoding="utf-8")
    wanted, units = scenario.strategy.selection, scenario.market
    if isinstance(wanted, OrdersStrategy):
        text = orders_text(wanted, units.price_decimals, units.quantity_decimals)
        (folder / wanted.file).write_text(text, encoding="utf-8")
    write_market(make_market(market), folder / "market.parquet")  # drawn markets bear a digest of their own
    return folder


def main() -> int:
    """0 when every pair agreed, 1 when one did not."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    first = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(2**40)))
    limit = int(os.environ["FUZZ_CASES"]) if "FUZZ_CASES" in os.environ else None
    begun, done, fills, traded, differing = time.monotonic(), 0, 0, 0, 0
    met: Counter[Convention] = Counter()
    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background, too, the count is told
        signal.signal(ending, signal.default_int_handler)
    say(f"from seed {first}; Ctrl-C stops")
    try:
        for done, seed in enumerate(itertools.islice(itertools.count(first), limit), start=1):
            rng = random.Random(seed)
            scenario, market = drawn.pair(rng.choice)
            try:
                ledger = check(scenario, market, rng.randint(0, len(market.timestamps)))
                if ledger is not None and ledger.tables["fills"].rows:
                    traded += 1
                    fills += ledger.tables["fills"].rows
                    count_met(met, scenario, market, ledger)
            except Exception as error:
                differing += 1
                say(f"seed {seed}: {error!r:.300}\n  saved {save(scenario, market, f'seed-{seed}')}")
            if done % 500 == 0:
                rate = done / (time.monotonic() - begun)
                say(f"{done} pairs, {traded} trade, {fills} fills, {differing} differ, {rate:.0f} pairs/s")
    except KeyboardInterrupt:
        pass
    say(f"{done} pairs, {traded} of them trade, {fills} fills compared, {differing} differ")
    for (setting, value), count in sorted(met.items()):
        say(f"  {setting} = {value}: {min(count, ENOUGH)}{'+' if count >= ENOUGH else ''}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
