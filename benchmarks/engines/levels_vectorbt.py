"""vectorbt's stops: signals at the close that decides, tested from the next bar on.

Its trailing stop cannot stand beside a fixed one; limits it has none.
"""

import numpy as np
import pandas as pd
import vectorbt as vbt
from gaps import CASH, COMMISSION, HOLD, Work, main


def run(work: Work, target):
    names = list(work.frames)
    prices = {
        field: pd.DataFrame({name: frame[field] for name, frame in work.frames.items()})
        for field in ("open", "high", "low", "close")
    }
    signals = {
        (side, way): pd.DataFrame(False, work.days, names) for side in (1, -1) for way in ("entry", "exit")
    }
    size = pd.DataFrame(np.nan, work.days, names)
    for bar, entries in work.entries.items():
        for symbol, entry in entries.items():
            column = names.index(symbol)
            signals[entry.side, "entry"].iloc[bar, column] = True
            signals[entry.side, "exit"].iloc[bar + HOLD, column] = True
            size.iloc[bar, column] = entry.quantity
    task = work.task
    portfolio = vbt.Portfolio.from_signals(
        **prices,
        entries=signals[1, "entry"],
        exits=signals[1, "exit"],
        short_entries=signals[-1, "entry"],
        short_exits=signals[-1, "exit"],
        size=size,
        size_type="amount",
        sl_stop=task.trail or task.stop,
        sl_trail=task.trail is not None,
        tp_stop=task.target,
        stop_entry_price="fillprice",
        fees=COMMISSION,
        init_cash=CASH,
        cash_sharing=True,
        group_by=True,
        freq="1D",
    )
    portfolio.orders.records_readable.to_csv(target, index=False)


if __name__ == "__main__":
    main("vectorbt", run)
