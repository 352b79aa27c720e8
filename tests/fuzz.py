"""Draws pairs until told to stop; what makes engine and reference differ is saved as a case.

Run by `make fuzz`. Each case is `tests/golden/found/<name>/` with scenario.toml and market.parquet, and is
from then on a test (test_pair.py). `FUZZ_SEED=n` starts at a given seed, `FUZZ_CASES=n` stops after n.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

import drawn
import engine
import reference
from test_pair import assert_balanced, assert_end_to_end, assert_equal, assert_rebuilt
from vocabulary.errors import RangeError
from vocabulary.market import Market
from vocabulary.scenario import Scenario

FOUND = Path(__file__).parent / "golden" / "found"


def check(scenario: Scenario, market: Market, bar: int) -> int:
    """All that test_pair.py claims, of one pair; the number of fills. AssertionError where it fails."""
    expected = reference.run(scenario, market)
    assert_balanced(scenario, market, expected)
    try:
        ours = engine.run(scenario, market)
    except RangeError:
        return 0
    assert_equal(ours, expected)
    start = reference.initial_state(scenario)
    first, state = engine.resume(scenario, market, start, bar)
    assert state == reference.resume(scenario, market, start, bar)[1]
    second, _ = engine.resume(scenario, market, state, len(market.timestamps))
    assert_end_to_end(first, second, expected)
    if bar:
        assert_rebuilt(scenario, market, ours, bar)
    return expected.tables["fills"].rows


def save(scenario: Scenario, market: Market, name: str) -> Path:
    """Writes a pair as a case."""
    from reconcile.market.edit import make_market
    from reconcile.market.file import write_market
    from reconcile.scenario.toml import scenario_to_toml

    folder = FOUND / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(scenario_to_toml(scenario), encoding="utf-8")
    write_market(make_market(market), folder / "market.parquet")  # drawn markets bear a digest of their own
    return folder


def main() -> int:
    """0 when every pair agreed, 1 when one did not."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    first = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(2**40)))
    limit = int(os.environ["FUZZ_CASES"]) if "FUZZ_CASES" in os.environ else None
    begun, done, fills, differing = time.monotonic(), 0, 0, 0
    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background, too, the count is told
        signal.signal(ending, signal.default_int_handler)
    say(f"from seed {first}; Ctrl-C stops")
    try:
        for done, seed in enumerate(itertools.islice(itertools.count(first), limit), start=1):
            rng = random.Random(seed)
            scenario, market = drawn.pair(rng.choice)
            try:
                fills += check(scenario, market, rng.randint(0, len(market.timestamps)))
            except Exception as error:
                differing += 1
                say(f"seed {seed}: {error!r:.300}\n  saved {save(scenario, market, f'seed-{seed}')}")
            if done % 500 == 0:
                rate = done / (time.monotonic() - begun)
                say(f"{done} pairs, {fills} fills, {differing} differ, {rate:.0f} pairs/s")
    except KeyboardInterrupt:
        pass
    say(f"{done} pairs, {fills} fills compared, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
