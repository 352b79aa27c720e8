"""tieout: our engine and our reference, by their name, cash policy and decimals: `engine reduce 6 6`.

Timed is the whole run with its full ledger, ranking of the scores included; the peers get theirs ranked.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

from driving import Did, serve
from workload import Terms

import reconcile

SCENARIO = """
[market]
data = {data}
price_decimals = {price}
quantity_decimals = {quantity}

[portfolio]
initial_cash = "1000000"

[strategy]
kind = "top_n"
score = "score"
n = {top}
schedule = {{ every = 1, start = {start} }}

[execution]
cash = "{cash}"

[costs]
commission = {{ kind = "bps", rate = "5" }}
slippage = {{ kind = "bps", rate = "5" }}
"""


def main() -> None:
    path, name, cash, price, quantity = sys.argv[1:]
    program = import_module(name)
    settings = {
        "cash": cash,
        "price": price,
        "quantity": quantity,
        "top": Terms().top,
        "start": Terms().start,
    }
    scenario = reconcile.scenario_from_text(SCENARIO.format(data=json.dumps(path), **settings))

    def load(_: Path):
        market = reconcile.load_market(scenario)
        reconcile.check(scenario, market)
        return market

    def build(market):
        def run():
            ledger = program.run(scenario, market)
            for table in ledger.tables.values():  # an engine may make its columns late; they are timed too
                for column in table.columns.values():
                    assert len(column.values) == table.rows
            return ledger

        return run

    serve("tieout", build, tell, load, lambda market, bars: reconcile.slice_market(market, bars=(0, bars)))


def tell(market, ledger) -> Did:
    equity = ledger.tables["equity"].columns["equity"]
    last = int(equity.values[-1]) / 10**equity.scale
    return Did(ledger.tables["fills"].rows, last, digest=reconcile.ledger_digest(ledger))


if __name__ == "__main__":
    main()
