"""freqtrade's stop: `stoploss`, on spot, so that entries are longs alone. No exchange is asked.

A signal of one candle enters at the next open. Its target (`minimal_roi`) is net of fees; there is none here.
"""

import tempfile
from pathlib import Path

import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.data.history import get_timerange
from freqtrade.enums import RunMode
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.optimize.optimize_reports import generate_backtest_stats, store_backtest_results
from freqtrade.resolvers import ExchangeResolver
from gaps import CASH, HOLD, Work, main

STRATEGY = """
from datetime import timedelta
from freqtrade.strategy import IStrategy

class Levels(IStrategy):
    timeframe = "1d"
    can_short = False
    use_exit_signal = True
    process_only_new_candles = False
    startup_candle_count = 0

    def populate_indicators(self, frame, metadata):
        return frame

    def populate_entry_trend(self, frame, metadata):
        wanted = self.config["wanted"].get(metadata["pair"], {})
        frame["enter_long"] = frame["date"].dt.strftime("%Y-%m-%d").isin(wanted).astype(int)
        return frame

    def populate_exit_trend(self, frame, metadata):
        frame["exit_long"] = 0
        return frame

    def custom_stake_amount(self, pair, current_time, current_rate, proposed_stake, **more):
        day = (current_time - timedelta(days=1)).strftime("%Y-%m-%d")
        return self.config["wanted"][pair][day] * current_rate * (1 + 1e-12)

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **more):
        return "time" if (current_time - trade.open_date_utc).days > self.config["hold"] else None
"""


def settings(work: Work, folder: Path) -> dict:
    task = work.task
    wanted: dict[str, dict[str, int]] = {pair: {} for pair in work.frames}
    for bar, entries in work.entries.items():
        for pair, entry in entries.items():
            wanted[pair][work.days[bar].strftime("%Y-%m-%d")] = entry.quantity
    (folder / "levels.py").write_text(STRATEGY)
    return {
        "strategy": "Levels",
        "strategy_path": str(folder),
        "user_data_dir": folder,
        "datadir": folder,
        "exportdirectory": folder,
        "exportfilename": folder / "result.json",
        "export": "trades",
        "runmode": RunMode.BACKTEST,
        "exchange": {"name": "binance", "pair_whitelist": list(work.frames), "pair_blacklist": []},
        "pairlists": [{"method": "StaticPairList"}],
        "timeframe": "1d",
        "stake_currency": "USDT",
        "stake_amount": "unlimited",
        "dry_run_wallet": CASH,
        "tradable_balance_ratio": 1.0,
        "max_open_trades": 100,
        "dry_run": True,
        "fee": 0.0,
        "stoploss": -task.stop,
        "minimal_roi": {},
        "trading_mode": "spot",
        "candle_type_def": "spot",
        "margin_mode": "",
        "dataformat_ohlcv": "feather",
        "dataformat_trades": "feather",
        "enable_protections": False,
        "position_stacking": False,
        "entry_pricing": {"price_side": "same"},
        "exit_pricing": {"price_side": "same"},
        "original_config": {},
        "internals": {},
        "wanted": wanted,
        "hold": HOLD,
    }


def exchange_of(config: dict):
    """An exchange that knows the pairs, and is never asked over the network."""
    exchange = ExchangeResolver.load_exchange(config, validate=False)
    exchange._markets = {
        pair: {
            "symbol": pair,
            "id": pair.replace("/", ""),
            "base": pair.split("/")[0],
            "quote": "USDT",
            "active": True,
            "spot": True,
            "swap": False,
            "linear": None,
            "type": "spot",
            "taker": 0.0,
            "maker": 0.0,
            "precision": {"amount": 1.0, "price": 1e-7},
            "limits": {"amount": {"min": 1, "max": None}, "cost": {"min": 1, "max": None}, "price": {}},
            "info": {},
        }
        for pair in config["exchange"]["pair_whitelist"]
    }
    exchange._api.markets = exchange._markets
    exchange._last_markets_refresh = 2**53
    exchange.validate_required_startup_candles = lambda *_args, **_more: 0
    return exchange


def run(work: Work, target):
    with tempfile.TemporaryDirectory() as place:
        config = settings(work, Path(place))
        test = Backtesting(config, exchange_of(config))
        test.timerange = TimeRange()
        for market in test.exchange._markets.values():  # else a stop is rounded up to the tick
            market["precision"]["price"] = None
        strategy = test.strategylist[0]
        test._set_strategy(strategy)
        frames = {
            pair: frame.rename_axis("date")
            .reset_index()
            .assign(date=lambda one: pd.to_datetime(one["date"], utc=True))
            for pair, frame in work.frames.items()
        }
        first, last = get_timerange(frames)
        result = test.backtest(
            processed=strategy.advise_all_indicators(frames), start_date=first, end_date=last
        )
        result.update({"run_id": "levels", "backtest_start_time": 0, "backtest_end_time": 0})
        stats = generate_backtest_stats(frames, {"Levels": result}, first, last)
        made = store_backtest_results(config, stats, "levels")
        target.write_bytes(Path(made).read_bytes())


if __name__ == "__main__":
    main("freqtrade", run)
