"""cvxportfolio: works in weights, not shares; sized at the execution's open, costs one rate, no cash check.

It knows one price a bar: opens, and the last close after the last open, so that it ends marked alike.
"""

import cvxportfolio as cvx
import numpy as np
import pandas as pd
from harness import Did, serve
from workload import CASH, RATE, Workload


def build(work: Workload):
    index = pd.DatetimeIndex(np.append(work.days, work.days[-1] + np.timedelta64(1, "D")))
    prices = np.vstack([work.open, work.close[-1:]])
    names = list(work.symbols)
    returns = pd.DataFrame(0.0, index, [*names, "cash"])
    returns.iloc[:-1, :-1] = prices[1:] / prices[:-1] - 1.0
    weights = pd.DataFrame(work.targets(shift=1, others=0.0), index[:-1], names)
    weights["cash"] = 1.0 - weights.sum(axis=1)
    policy = cvx.FixedWeights(weights[weights[names[0]].notna()])
    data = cvx.UserProvidedMarketData(returns=returns, min_history=pd.Timedelta(0), cash_key="cash")
    simulator = cvx.MarketSimulator(market_data=data, costs=[cvx.TransactionCost(a=2 * RATE)])

    def run():
        result = simulator.backtest(policy, start_time=index[0], end_time=index[-1], initial_value=CASH)

        def tell() -> Did:
            trades = np.abs(result.u.iloc[:, :-1].to_numpy(float)) > 1e-6
            return Did(int(trades.sum()), float(result.v.iloc[-1]))

        return tell

    return run


if __name__ == "__main__":
    serve("cvxportfolio", build)
