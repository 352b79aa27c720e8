"""bt: fractional sizes. It fills on the bar it decides, so it is fed opens, with weights a bar later;
sized at that open, marked at opens. Slippage is part of the one rate it knows. No cash check.
"""

import bt
import pandas as pd
from harness import Did, serve
from workload import CASH, RATE, Workload


def build(work: Workload):
    index = pd.DatetimeIndex(work.days)
    opens = pd.DataFrame(work.open, index, list(work.symbols))
    weights = pd.DataFrame(work.targets(shift=1, others=float("nan")), index, opens.columns)
    weights = weights[weights.notna().any(axis=1)]
    strategy = bt.Strategy("plain", [bt.algos.WeighTarget(weights), bt.algos.Rebalance()])
    test = bt.Backtest(
        strategy,
        opens,
        initial_capital=CASH,
        commissions=lambda quantity, price: abs(quantity) * price * 2 * RATE,
        integer_positions=False,
        progress_bar=False,
    )

    def tell() -> Did:
        trades = test.strategy.positions.diff().to_numpy()
        return Did(int((abs(trades) > 1e-9).sum()), float(test.strategy.values.iloc[-1]))

    def run():
        test.run()
        return tell

    return run


if __name__ == "__main__":
    serve("bt", build)
