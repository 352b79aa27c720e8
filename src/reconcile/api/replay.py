"""`reconcile.orders`: the orders that a ledger's fills came from as a file, and a scenario to replay them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from reconcile.api.given import GivenLedger, GivenScenario, PathLike, ledger_of, market_of, scenario_of
from reconcile.api.result import Result
from reconcile.files.arguments import PATH, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

    from reconcile.api.run import Validity
    from reconcile.explaining.replay import Replay
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OrdersResult(Result):
    """A ledger's fills as orders (R10). name: of the ledger. out: the files written, none without `out`."""

    command: ClassVar[str] = "orders"

    found: Replay
    name: str
    out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def scenario(self) -> Scenario:
        """The scenario of kind `orders` that replays them."""
        return self.found.scenario

    @property
    def verdict(self) -> Validity:
        from reconcile.api.run import Validity

        return Validity.VALID

    @property
    def exit_code(self) -> int:
        return 0

    def text(self) -> str:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in self.found.counts.items() if count)
        lines = [f"{len(self.found.rows):,} orders: {counts}", ""]
        lines += [f"wrote {path}" for path in self.out]
        if self.found.elsewhere:
            lines.append(
                f"{self.found.elsewhere:,} fills are at a price that no order meets in their bar: they are"
                " market orders, and their price is a break"
            )
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> str:
        from reconcile.text.json_text import to_json

        return to_json(
            {
                "kind": "tieout.orders",
                "version": 1,
                "verdict": self.verdict.value,
                "ledger": self.name,
                "orders": self.found.counts,
                "elsewhere": self.found.elsewhere,
                "files": list(self.out),
                "notes": list(self.notes),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per order, as the file has them."""
        from io import StringIO

        import pandas

        return pandas.read_csv(StringIO(_text(self.found.scenario)), dtype={"quantity": str, "price": str})


@takes(mapping=PATH, watch=WATCH)
def orders(
    scenario: GivenScenario,
    ledger: GivenLedger,
    out: PathLike | None = None,
    *,
    data: PathLike | Market | Any | None = None,
    mapping: PathLike | None = None,
    format: str | None = None,
    watch: Watch = unwatched,
) -> OrdersResult:
    """The orders that lead to a ledger's fills, and the scenario of kind `orders` that replays them.

    out: a CSV file; the scenario is written beside it, under its name with the ending `.toml`. ledger: any
    form of a ledger; mapping, format: how a foreign one is read.

    >>> reconcile.orders("scenario.toml", "trades.csv", "orders.csv")
    <OrdersResult 214 orders: 214 market>

    Raises InputError: bad input, or fills that no order can lead to.
    """
    from reconcile.explaining.replay import FILE, replay

    found = scenario_of(scenario)
    with watch(Phase.LOADING, 0):
        market = market_of(data, found)
    with watch(Phase.READING, 0):
        given = ledger_of(ledger, "ledger", mapping, format)
    name = FILE if out is None else Path(out).name
    made = replay(found, market, given.ledger, name)
    files: tuple[str, ...] = ()
    if out is not None:
        with watch(Phase.WRITING, 0):
            files = _write(made.scenario, found, Path(out), data)
    return OrdersResult(made, given.name, files, given.notes)


def _text(scenario: Scenario) -> str:
    from reconcile.scenario.orders import orders_text
    from vocabulary.scenario import OrdersStrategy

    wanted, units = scenario.strategy.selection, scenario.market
    assert isinstance(wanted, OrdersStrategy)
    return orders_text(wanted, units.price_decimals, units.quantity_decimals)


def _write(scenario: Scenario, given: Scenario, out: Path, data: Any) -> tuple[str, ...]:
    """The file of orders and its scenario, whose paths start from their folder."""
    from reconcile.files.atomic import write_file
    from reconcile.scenario.toml import scenario_to_toml

    if out.suffix.lower() != ".csv":
        raise InputError("out", str(out), "a file ending in .csv", "Give the file a name like orders.csv.")
    if not out.resolve().parent.is_dir():
        raise InputError(
            "out", f"{out.parent}, which is no folder", "a folder that exists", "Create the folder first."
        )
    toml = out.with_suffix(".toml")
    source = scenario.market
    path = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None
    moved = replace(
        source,
        data=_beside(out, given.origin if path is None else "", source.data if path is None else path),
        context=None if source.context is None else _beside(out, given.origin, source.context),
    )
    write_file(out, _text(scenario))
    write_file(toml, scenario_to_toml(replace(scenario, market=moved)))
    return str(out), str(toml)


def _beside(out: Path, origin: str, named: str) -> str:
    """A path of a scenario as one in the folder of `out` has it; a built-in keeps its name."""
    from reconcile.market.builtin.tables import BUILTINS

    path = Path(origin) / named
    if named in BUILTINS or not path.exists():
        return named
    return os.path.relpath(path.resolve(), out.resolve().parent)
