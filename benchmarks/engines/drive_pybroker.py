"""pybroker: sizes as the terms say, orders at the next open, sells before buys; buys by symbol, capped by
cash (fees not counted, so that a bar can end a little below 0; then the next buys wait).
"""

import pandas as pd
import pybroker
from driving import Did, main
from pybroker import FeeMode, FixedSlippageModel, PriceType, Strategy, StrategyConfig
from workload import Workload

import reconcile

pybroker.disable_progress_bar()
pybroker.disable_logging()


def rebalance(work: Workload):
    """What runs after every bar, with a context a symbol."""
    picks = {work.days[t]: [work.symbols[i] for i in picked] for t, picked in work.picks.items()}
    price = PriceType.OPEN if work.terms.timing == "next_open" else PriceType.CLOSE
    held: list[str] = []

    def after(contexts):
        first = next(iter(contexts.values()))
        wanted = picks.get(first.date[-1].astype(work.days.dtype))
        if wanted is None:
            return
        for symbol in set(held).difference(wanted):
            contexts[symbol].sell_all_shares()
        scale = 1.0
        if work.terms.base != "equity":
            scale = work.terms.cash / float(first.total_equity)
        for symbol in wanted:
            contexts[symbol].set_target_shares(work.terms.weight * scale, dir="long")
        for symbol in {*held, *wanted}:
            context = contexts[symbol]
            context.buy_fill_price = price if context.buy_shares else None
            context.sell_fill_price = price if context.sell_shares else None
        held[:] = wanted

    return after


def build(work: Workload):
    bars, symbols = work.open.shape
    terms = work.terms
    columns = {name: getattr(work, name).ravel() for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame({"date": work.days.repeat(symbols), "symbol": list(work.symbols) * bars, **columns})
    config = StrategyConfig(
        initial_cash=terms.cash,
        fee_mode=FeeMode.ORDER_PERCENT,
        fee_amount=100 * terms.commission,
        enable_fractional_shares=not terms.whole,
        round_fill_price=False,
        round_test_result=False,
    )
    strategy = Strategy(frame, str(work.days[0]), str(work.days[-1]), config)
    strategy.set_slippage_model(FixedSlippageModel(bps=10_000 * terms.slippage))
    strategy.add_execution(None, list(work.symbols))
    strategy.set_after_exec(rebalance(work))
    return strategy.backtest


def tell(work: Workload, result) -> Did:
    return Did(len(result.orders), float(result.portfolio["equity"].iloc[-1]))


def save(work: Workload, result, folder):
    result.orders.to_csv(folder / "orders.csv")
    return reconcile.from_pybroker(result)


if __name__ == "__main__":
    main("lib-pybroker", build, tell, save)
