"""pybroker's stops: `stop_loss_pct`, `stop_profit_pct` and `stop_trailing_pct` of the order that opens.

They are tested before the orders of a bar, from the bar after the fill on; the bar of the fill moves no
trailing stop. Hence orders execute at the next close. A limit is held against that one price: none here.
"""

import pandas as pd
import pybroker
from gaps import CASH, COMMISSION, HOLD, Work, main
from pybroker import FeeMode, PriceType, Strategy, StrategyConfig

pybroker.disable_progress_bar()
pybroker.disable_logging()


def run(work: Work, target):
    task = work.task
    price = PriceType.CLOSE
    opened: dict[str, int] = {}

    def trade(context):
        bar, symbol = context.bars - 1, context.symbol
        held = context.long_pos() or context.short_pos()
        if held and bar - opened[symbol] == HOLD:
            if context.long_pos():
                context.sell_all_shares()
                context.sell_fill_price = price
            else:
                context.cover_all_shares()
                context.buy_fill_price = price
        entry = work.entries.get(bar, {}).get(symbol)
        if entry is None:
            return
        opened[symbol] = bar + 1
        if entry.side > 0:
            context.buy_shares, context.buy_fill_price = entry.quantity, price
        else:
            context.sell_shares, context.sell_fill_price = entry.quantity, price
        if task.stop is not None:
            context.stop_loss_pct = 100 * task.stop
        if task.target is not None:
            context.stop_profit_pct = 100 * task.target
        if task.trail is not None:
            context.stop_trailing_pct = 100 * task.trail

    frames = [
        frame.rename_axis("date").reset_index().assign(symbol=name) for name, frame in work.frames.items()
    ]
    config = StrategyConfig(
        initial_cash=CASH,
        fee_mode=FeeMode.ORDER_PERCENT,
        fee_amount=100 * COMMISSION,
        round_fill_price=False,
        round_test_result=False,
    )
    strategy = Strategy(pd.concat(frames), str(work.days[0]), str(work.days[-1]), config)
    strategy.add_execution(trade, list(work.frames))
    strategy.backtest().orders.to_csv(target)


if __name__ == "__main__":
    main("lib-pybroker", run)
