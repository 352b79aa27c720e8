"""Faults of what goes in: the market is read otherwise than it is."""

from __future__ import annotations

import numpy as np

from reconcile.drilling.catalogue import reading
from reconcile.drilling.clean_run import Stages, as_if
from reconcile.drilling.model import Data, Fault
from reconcile.explaining.hypotheses import exits, features, prices, selection
from reconcile.explaining.model import Change
from reconcile.matching.model import Stage

TARGET, ORDER, STATUS = Stage.TARGET, Stage.ORDER, Stage.STATUS
DECIDED = (TARGET, ORDER)
SCORE, VIX, ATR = "ml_score", "vix", "atr"
SPLIT_SYMBOL, SPLIT_BAR = 3, 30


def _fault(name: str, ground: str, read: reading.Read, stages: Stages, *causes: Change) -> Fault:
    data = Data(read)
    return Fault(name, ground, (data,), as_if(stages, data), causes)


FAULTS: tuple[Fault, ...] = (
    _fault("score a bar late", "long", reading.late(SCORE, 1), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, 1))),
    _fault("score of tomorrow", "short", reading.late(SCORE, -1), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, -1))),
    _fault("score two bars late", "long", reading.late(SCORE, 2), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, 2))),
    _fault("score turned round", "short", reading.column(SCORE, lambda values: -values), TARGET,
           Change(features.FEATURE_REVERSED, SCORE)),
    _fault("missing score read as zero", "tight", reading.zero_filled(SCORE), TARGET,
           Change(features.FEATURE_ZERO_FILLED, SCORE)),
    _fault("missing score filled forward", "long", reading.carried(SCORE), TARGET,
           Change(features.FEATURE_CARRIED, SCORE)),
    _fault("score of the next symbol", "tight", reading.misaligned(SCORE, -1), TARGET,
           Change(features.FEATURE_MISALIGNED, (SCORE, -1))),
    _fault("score of the symbol before", "short", reading.misaligned(SCORE, 1), TARGET,
           Change(features.FEATURE_MISALIGNED, (SCORE, 1))),
    _fault("vix read as zero", "long", reading.column(VIX, lambda values: np.zeros(len(values))), TARGET,
           Change(features.CONTEXT_ZERO, VIX), Change(selection.GATE, ("strategy.gate", None))),
    _fault("missing vix filled forward", "long", reading.carried(VIX), TARGET,
           Change(features.CONTEXT_CARRIED, VIX)),
    _fault("vix a bar late", "long", reading.late(VIX, 1), TARGET,
           Change(features.CONTEXT_SHIFTED, (VIX, 1))),
    _fault("vix of tomorrow", "long", reading.late(VIX, -1), TARGET,
           Change(features.CONTEXT_SHIFTED, (VIX, -1))),
    _fault("atr a hundred times", "long", reading.column(ATR, lambda values: values * 100), DECIDED,
           Change(features.FEATURE_SCALED, (ATR, 100)), Change(exits.EXIT_UNUSED, "volatility_stop")),
    _fault("atr a bar late", "long", reading.late(ATR, 1), DECIDED,
           Change(features.FEATURE_SHIFTED, (ATR, 1))),
    _fault("volume missing read as zero", "short", reading.zero_filled("volume"), TARGET,
           Change(features.FEATURE_ZERO_FILLED, "volume"),
           Change(selection.SELECTION, ("strategy.require", ()))),
    _fault("prices a bar late", "long", reading.late_prices(1), DECIDED, Change(prices.PRICES_SHIFTED, 1)),
    _fault("prices of tomorrow", "tight", reading.late_prices(-1), DECIDED,
           Change(prices.PRICES_SHIFTED, -1)),
    _fault("prices filled forward", "long", reading.carried_prices, (*DECIDED, STATUS),
           Change(prices.PRICES_CARRIED)),
    _fault("prices filled forward, shorts", "short", reading.carried_prices, (*DECIDED, STATUS),
           Change(prices.PRICES_CARRIED)),
    _fault("prices of the symbol before", "short", reading.misaligned_prices(1), DECIDED,
           Change(prices.PRICES_MISALIGNED, 1)),
    _fault("a split not adjusted for", "long", reading.unadjusted(SPLIT_SYMBOL, SPLIT_BAR, 2), DECIDED,
           Change(prices.SPLIT, (2, 1), until=SPLIT_BAR, symbols=(SPLIT_SYMBOL,))),
)  # fmt: skip
