"""cvxportfolio: works in weights, not shares; sized at the execution's open, costs one rate, no cash check.

It knows one price a bar: opens, and the last close after the last open, so that it ends marked alike.
"""

import cvxportfolio as cvx
import numpy as np
import pandas as pd
from driving import Did, main
from workload import Workload

import reconcile


def build(work: Workload):
    index = pd.DatetimeIndex(np.append(work.days, work.days[-1] + np.timedelta64(1, "D")))
    prices = np.vstack([work.traded_at, work.close[-1:]])
    names = list(work.symbols)
    returns = pd.DataFrame(0.0, index, [*names, "cash"])
    returns.iloc[:-1, :-1] = prices[1:] / prices[:-1] - 1.0
    weights = pd.DataFrame(work.targets(shift=work.delay, others=0.0), index[:-1], names)
    weights["cash"] = 1.0 - weights.sum(axis=1)
    weights = weights[weights[names[0]].notna()]
    policy = cvx.FixedWeights(weights)
    data = cvx.UserProvidedMarketData(returns=returns, min_history=pd.Timedelta(0), cash_key="cash")
    rate = work.terms.commission + work.terms.slippage
    simulator = cvx.MarketSimulator(market_data=data, costs=[cvx.TransactionCost(a=rate)])
    start, end = index[0], index[-1]
    return lambda: simulator.backtest(policy, start_time=start, end_time=end, initial_value=work.terms.cash)


def tell(work: Workload, result) -> Did:
    trades = np.abs(result.u.iloc[:, :-1].to_numpy(float)) > 1e-6
    return Did(int(trades.sum()), float(result.v.iloc[-1]))


def save(work: Workload, result, folder):
    result.u.to_csv(folder / "u.csv")
    result.h.to_csv(folder / "h.csv")
    result.v.to_csv(folder / "v.csv")
    of_result = getattr(reconcile, "from_cvxportfolio", None)
    return None if of_result is None else of_result(result)


if __name__ == "__main__":
    main("cvxportfolio", build, tell, save)
