"""bt: sizes as the terms say. It fills on the bar it decides; for `next_open` it is fed opens, a bar later,
and is sized and marked at opens. Slippage is part of the one rate it knows. No cash check.
"""

import bt
import pandas as pd
from driving import Did, main
from workload import Workload

import reconcile


class OfInitialCash(bt.Algo):
    """Weights become shares of the initial cash."""

    def __init__(self, cash):
        super().__init__()
        self.cash = cash

    def __call__(self, target):
        scale = self.cash / target.value
        target.temp["weights"] = {name: weight * scale for name, weight in target.temp["weights"].items()}
        return True


def build(work: Workload):
    terms = work.terms
    index = pd.DatetimeIndex(work.days)
    prices = pd.DataFrame(work.traded_at, index, list(work.symbols))
    weights = pd.DataFrame(work.targets(shift=work.delay, others=float("nan")), index, prices.columns)
    weights = weights[weights.notna().any(axis=1)]
    algos = [bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
    if terms.base != "equity":
        algos.insert(1, OfInitialCash(terms.cash))
    strategy = bt.Strategy("plain", algos)
    rate = terms.commission + terms.slippage
    test = bt.Backtest(
        strategy,
        prices,
        initial_capital=terms.cash,
        commissions=lambda quantity, price: abs(quantity) * price * rate,
        integer_positions=terms.whole,
        progress_bar=False,
    )
    return lambda: (test.run(), test)[1]


def tell(work: Workload, test) -> Did:
    trades = test.strategy.positions.diff().to_numpy()
    return Did(int((abs(trades) > 1e-9).sum()), float(test.strategy.values.iloc[-1]))


def save(work: Workload, test, folder):
    result = bt.backtest.Result(test)
    result.get_transactions().to_csv(folder / "transactions.csv")
    return reconcile.from_bt(result)


if __name__ == "__main__":
    main("bt", build, tell, save)
