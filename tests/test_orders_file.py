"""Orders of a file (R10), and the orders that a ledger's fills came from."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

import build
import drawn
import engine
import reconcile
import reference
from reconcile.comparing.compare import compare
from reconcile.explaining.replay import replay
from reconcile.matching.model import Verdict
from reconcile.roots.resync import resync
from reconcile.scenario.orders import orders_text, rows_within
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import ExitAt, OrdersStrategy, Scenario, SizeAt, Timing

CASE = Path(__file__).parent / "golden" / "cases" / "strategy-orders.toml"
BARS = "timestamp,symbol,open,high,low,close\n" + "".join(
    f"2024-01-0{day},A,10,12,8,11\n" for day in (2, 3, 4)
)
HEAD = "decided_at,symbol,side,quantity,type,price,reason\n"
SCENARIO = """[market]
data = "bars.csv"
price_decimals = 2
[portfolio]
initial_cash = "1000"
[strategy]
kind = "orders"
file = "orders.csv"
"""


def case(folder: Path, rows: str, more: str = "", head: str = HEAD) -> tuple[Scenario, Market]:
    (folder / "bars.csv").write_text(BARS)
    (folder / "orders.csv").write_text(head + rows)
    (folder / "scenario.toml").write_text(SCENARIO + more)
    scenario = reconcile.scenario_from_file(folder / "scenario.toml")
    return scenario, reconcile.load_market(scenario)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("2024-01-09,A,buy,1,,,", ["row 2", "2024-01-09"]),
        ("2024-01-02,B,buy,1,,,", ["row 2", "'B'"]),
        ("2024-01-02,,buy,1,,,", ["row 2", "symbol"]),
        ("2024-01-02,A,hold,1,,,", ["row 2", "hold", "buy or sell"]),
        ("2024-01-02,A,buy,0,,,", ["row 2", "quantity"]),
        ("2024-01-02,A,buy,-1,,,", ["row 2", "quantity"]),
        ("2024-01-02,A,buy,1.5,,,", ["row 2", "1.5"]),
        ("2024-01-02,A,buy,many,,,", ["row 2", "many"]),
        ("2024-01-02,A,buy,1,limit,,", ["row 2", "price"]),
        ("2024-01-02,A,buy,1,stop,0,", ["row 2", "price"]),
        ("2024-01-02,A,buy,1,stop,1.005,", ["row 2", "1.005"]),
        ("2024-01-02,A,buy,1,iceberg,9,", ["row 2", "iceberg"]),
        ("2024-01-02,A,buy,1,,,rebalance", ["row 2", "rebalance"]),
        ("soon,A,buy,1,,,", ["row 2", "soon"]),
    ],
)
def test_a_row_that_is_no_order_is_named(tmp_path: Path, row: str, names: list[str]) -> None:
    """The error says which row of the file, and what stands there."""
    with pytest.raises(InputError) as error:
        case(tmp_path, f"2024-01-02,A,buy,1,,,\n{row}\n")
    assert all(name in str(error.value) for name in names), str(error.value)


def test_a_limit_needs_the_next_open(tmp_path: Path) -> None:
    """Limits and stops meet the range of a bar; with another timing there is none (R10)."""
    rows = "2024-01-02,A,buy,1,limit,9,\n"
    case(tmp_path, rows)
    with pytest.raises(InputError, match=r"row 1.*next_close"):
        case(tmp_path, rows, '[execution]\ntiming = "next_close"\n')


@pytest.mark.parametrize("key", ["band", "size_on", "minimum_notional", "size_at"])
def test_keys_of_targets_are_none_of_orders(tmp_path: Path, key: str) -> None:
    """What sizes targets is refused beside a file of orders."""
    with pytest.raises(InputError, match=key):
        case(tmp_path, "2024-01-02,A,buy,1,,,\n", f'{key} = "0"\n')


def test_a_column_too_many_or_too_few_is_named(tmp_path: Path) -> None:
    """Nothing of the file goes unread, and nothing is taken for granted."""
    with pytest.raises(InputError, match="'venue'"):
        case(tmp_path, "2024-01-02,A,buy,1,X\n", head="decided_at,symbol,side,quantity,venue\n")
    with pytest.raises(InputError, match="'side'"):
        case(tmp_path, "2024-01-02,A,1\n", head="decided_at,symbol,quantity\n")
    with pytest.raises(InputError, match="no rows"):
        case(tmp_path, "")


def test_times_with_a_zone_need_a_market_with_one(tmp_path: Path) -> None:
    """Clock times and instants are not compared with each other."""
    with pytest.raises(InputError, match="zone"):
        case(tmp_path, "2024-01-02T00:00:00Z,A,buy,1,,,\n")


def test_parquet_holds_the_same_orders(tmp_path: Path) -> None:
    """Numbers of a typed column are the numbers of the text."""
    scenario, _ = case(tmp_path, "2024-01-02,A,buy,3,limit,9.5,\n2024-01-03,A,sell,1,,,out\n")
    frame = pd.DataFrame(
        {
            "decided_at": pd.to_datetime(["2024-01-02", "2024-01-03"]),
            "symbol": ["A", "A"],
            "side": ["buy", "sell"],
            "quantity": [3, 1],
            "type": ["limit", None],
            "price": [9.5, None],
            "reason": [None, "out"],
        }
    )
    frame.to_parquet(tmp_path / "orders.parquet")
    text = SCENARIO.replace("orders.csv", "orders.parquet")
    (tmp_path / "typed.toml").write_text(text)
    typed = reconcile.scenario_from_file(tmp_path / "typed.toml").strategy.selection
    plain = scenario.strategy.selection
    assert isinstance(typed, OrdersStrategy) and isinstance(plain, OrdersStrategy)
    assert typed.rows == plain.rows and typed.content == plain.content


def test_other_orders_are_another_scenario(tmp_path: Path) -> None:
    """The digest counts the rows: a file that was changed is no longer what a ledger was made from."""
    first, _ = case(tmp_path, "2024-01-02,A,buy,3,,,\n")
    second, _ = case(tmp_path, "2024-01-02,A,buy,4,,,\n")
    assert first.digest != second.digest and first != second


def test_dropped_rows_are_counted(tmp_path: Path) -> None:
    """The summary tells how many rows became no order (R10): here those of the shut bar and of the last."""
    rows = "2024-01-02,A,buy,3,,,\n2024-01-03,A,buy,3,,,\n2024-01-04,A,buy,3,,,\n"
    case(tmp_path, rows, "schedule = { every = 2, start = 0 }\n")
    found = reconcile.run(tmp_path / "scenario.toml")
    sides = found.to_dict()
    assert sides["reference"]["orders_dropped"] == sides["candidate"]["orders_dropped"] == 2
    assert "dropped" in found.text() and "dropped" not in reconcile.run("stocks").text()


def test_the_rows_of_a_part_of_the_market_stay(tmp_path: Path) -> None:
    """What a smaller market does not know is left out; what it knows keeps its row."""
    scenario, market = case(tmp_path, "2024-01-02,A,buy,3,,,\n2024-01-03,A,buy,3,,,\n")
    part = rows_within(scenario, reconcile.slice_market(market, bars=(1, 3))).strategy.selection
    assert isinstance(part, OrdersStrategy) and [row.row for row in part.rows] == [2]
    text = orders_text(part, 2, 0)
    assert text == HEAD + "2024-01-03,A,buy,3,market,,order\n"


def with_cells(ledger: Ledger, table: str, name: str, change: dict[int, int]) -> Ledger:
    """The ledger with some cells of a column replaced."""
    found = ledger.tables[table]
    old = found.columns[name]
    values = old.values.copy()
    for row, value in change.items():
        values[row] = value
    column = Column(old.kind, values, old.dictionary, old.scale, old.missing)
    tables = {**ledger.tables, table: Table(table, {**found.columns, name: column}, found.rows)}
    return Ledger(ledger.manifest, tables)


def test_a_wrong_price_of_a_limit_is_one_root() -> None:
    """The resync holds limits and stops against the range of their bar, and finds what was changed alone."""
    scenario = reconcile.scenario_from_file(CASE)
    market = reconcile.load_market(scenario)
    ledger = reference.run(scenario, market)
    assert resync(ledger, scenario, market) == []
    price = int(ledger.tables["fills"].columns["price"].values[5])
    wrong = with_cells(ledger, "fills", "price", {5: price + 100})
    found = [finding for run in resync(wrong, scenario, market) for finding in run.findings]
    assert [(one.table, one.field, one.found) for one in found] == [("fills", "price", price + 100)]


def test_an_audit_knows_limits_and_stops() -> None:
    """A fill at its limit is no finding; one at another price of the bar is."""
    scenario = reconcile.scenario_from_file(CASE)
    market = reconcile.load_market(scenario)
    ledger = reference.run(scenario, market)
    assert reconcile.audit(ledger, scenario=scenario, data=market).exit_code == 0
    price = int(ledger.tables["fills"].columns["price"].values[0])
    wrong = with_cells(ledger, "fills", "price", {0: price + 7})
    assert reconcile.audit(wrong, scenario=scenario, data=market).exit_code == 1


def test_a_replayed_ledger_ties_out() -> None:
    """The orders made of a ledger's own fills lead to its fills, positions, costs and equity again."""
    tied = 0
    for seed in range(160):
        scenario, market = drawn.pair(random.Random(seed).choice)
        inside = any(getattr(rule, "at", None) is ExitAt.LEVEL for rule in scenario.exits)
        if isinstance(scenario.strategy.selection, OrdersStrategy):
            continue
        if inside and scenario.execution.timing is not Timing.NEXT_OPEN:
            continue  # a level inside the bar is no order for its close
        ledger = reference.run(scenario, market)
        if ledger.tables["fills"].rows:
            made = replay(scenario, market, ledger)
            found = compare(reference.run(made.scenario, market), made.ledger)
            assert found.verdict is Verdict.MATCHED and not made.elsewhere, (seed, found.first)
            tied += 1
    assert tied >= 40


def test_orders_are_written_with_their_scenario(tmp_path: Path) -> None:
    """The two files run to the ledger that they were made from."""
    ledger = reconcile.run(CASE).reference
    found = reconcile.orders(CASE, ledger, tmp_path / "orders.csv")
    assert found.exit_code == 0 and found.out == (str(tmp_path / "orders.csv"), str(tmp_path / "orders.toml"))
    again = reconcile.run(tmp_path / "orders.toml").reference
    columns = ["timestamp", "symbol", "side", "quantity", "price", "commission", "slippage"]
    mine, theirs = (reconcile.frame(one, "fills")[columns] for one in (again, ledger))
    pd.testing.assert_frame_equal(mine, theirs)


def test_a_list_of_trades_is_explained_by_its_replay(tmp_path: Path) -> None:
    """Trades without their strategy: what they wanted is taken from them; their commission is the cause."""
    scenario = reconcile.find_scenario("stocks")
    other = reconcile.replace(scenario, "costs.commission.rate", "8")
    ledger = reference.run(other, reconcile.load_market(scenario))
    columns = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    reconcile.frame(ledger, "fills")[columns].to_csv(tmp_path / "trades.csv", index=False)
    found = reconcile.explain("stocks", tmp_path / "trades.csv", replay=True)
    assert found.exit_code == 0 and [one.what for one in found.causes] == ["costs.commission"], found.text()
    assert "commission is 8 bps instead of 5 bps" in found.text()


def test_fills_that_no_order_leads_to_are_refused(tmp_path: Path) -> None:
    """A fill at the first bar was decided before the market begins."""
    market = build.market({"A": [100, 110, 120]}, {"score": {"A": [1, 1, 1]}})
    scenario = build.scenario()
    frame = pd.DataFrame(
        {"timestamp": pd.to_datetime(["2020-01-01"]), "symbol": ["A"], "side": ["buy"], "quantity": [1]}
    )
    with pytest.raises(InputError, match="price"):
        replay(scenario, market, reconcile.from_frames({"fills": frame}))
    frame["price"] = ["0.01"]
    with pytest.raises(InputError, match="first bar"):
        replay(scenario, market, reconcile.from_frames({"fills": frame}))


def test_targets_that_wait_are_sized_whatever_the_next_scenario_says() -> None:
    """R12: a state holds weights; a span under a scenario that sizes at the decision sizes them, too."""
    late = build.scenario(price_decimals=2, size_at=SizeAt.EXECUTION)
    market = build.random_market(5)
    _, state = reference.resume(late, market, reference.initial_state(late), 7)
    assert state.unsized is not None
    for timing in Timing:
        early = build.scenario(price_decimals=2, timing=timing)
        expected, after = reference.resume(early, market, state, 20)
        found, again = engine.resume(early, market, state, 20)
        assert after == again
        assert build.rows(found, "orders") == build.rows(expected, "orders")
        assert build.rows(found, "targets") == build.rows(expected, "targets")


def test_orders_behind_the_end_of_a_cut_market_are_none_of_its_last_bar(tmp_path: Path) -> None:
    """R10: with same_close the last bar decides; not those that were cut away."""
    rows = "2024-01-02,A,buy,1,,,\n" + "2024-01-04,A,buy,1,,,\n" * 3
    scenario, market = case(tmp_path, rows, '[execution]\ntiming = "same_close"\n')
    first = reconcile.slice_market(market, bars=(0, 2))
    found, expected = (build.rows(one.run(scenario, first), "orders") for one in (engine, reference))
    assert len(expected) == 1 and found == expected
