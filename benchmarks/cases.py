"""What the benchmarks work on: synthetic markets of several sizes, and the ledgers they must give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIZES = {"126k": (500, 252), "1.26M": (500, 2_520), "7.56M": (3_000, 2_520), "7.56M long": (500, 15_120)}
"""Name -> symbols, bars; 126,000, 1,260,000 and twice 7,560,000 events."""
SEED = 20_230_102
LONG = "7.56M long"
"""Over sixty years an account that is reinvested outgrows int64 (U4): here the initial cash is sized."""


@dataclass(frozen=True)
class Case:
    """One size: top25's scenario over a market as wide and as long, and the ledger it must give.

    file: a copy of the scenario whose market is a Parquet file beside it.
    """

    name: str
    scenario: Any
    market: Any
    ledger: Any
    digest: str
    file: Path

    @property
    def events(self) -> int:
        return int(self.market.present.size)

    @property
    def fills(self) -> int:
        return int(self.ledger.tables["fills"].rows)

    @property
    def bars_file(self) -> Path:
        return self.file.parent / "bars.parquet"

    def rounds(self, many: int) -> int:
        """One, where a run is long."""
        return 1 if self.events > 2_000_000 else many


def whole(ledger: Any) -> Any:
    """The ledger, every column of it asked for: an engine may make them late, and is timed with them."""
    for table in ledger.tables.values():
        for column in table.columns.values():
            assert len(column.values) == table.rows
    return ledger


def steady(scenario: Any) -> Any:
    from reconcile.scenario.files import replace

    return replace(scenario, "strategy.size_on", "initial_cash")


def make_case(size: str, folder: Path) -> Case:
    """The market made and written, both programs run; nothing is measured where they disagree."""
    import engine
    import reference
    from reconcile.ledger.digest import ledger_digest
    from reconcile.market.builtin.synthetic import generate_market
    from reconcile.scenario.files import builtin_scenario

    symbols, bars = SIZES[size]
    top25 = builtin_scenario("top25")
    scenario = steady(top25) if size == LONG else top25
    market = generate_market(symbols, bars, SEED, scenario)
    ledger = reference.run(scenario, market)
    digest = ledger_digest(ledger)
    assert ledger_digest(engine.run(scenario, market)) == digest, (
        "engine and reference disagree: no time counts"
    )
    return Case(size, scenario, market, ledger, digest, _written(scenario, market, folder))


def _written(scenario: Any, market: Any, folder: Path) -> Path:
    """The market as a user has it, in long format, and a scenario that reads it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from reconcile.scenario.toml import scenario_to_toml

    bars, symbols = market.present.shape
    stamps = market.timestamps.view("datetime64[ns]")
    unit = 10.0**market.price_decimals
    columns = {name: (getattr(market, name) / unit).reshape(-1) for name in ("open", "high", "low", "close")}
    names = pa.DictionaryArray.from_arrays(
        pa.array(np.tile(np.arange(symbols, dtype=np.int32), bars)), pa.array(market.symbols)
    )
    table = {
        "timestamp": np.repeat(stamps, symbols),
        "symbol": names,
        **columns,
        "volume": market.volume.reshape(-1),
        "ml_score": market.features["ml_score"].reshape(-1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), folder / "bars.parquet")
    pq.write_table(pa.table({"timestamp": stamps, "vix": market.context["vix"]}), folder / "vix.parquet")
    text = scenario_to_toml(scenario)
    place = folder / "scenario.toml"
    old = 'data = "top25"'
    assert text.count(old) == 1
    place.write_text(text.replace(old, 'data = "bars.parquet"\ncontext = "vix.parquet"'), encoding="utf-8")
    return place
