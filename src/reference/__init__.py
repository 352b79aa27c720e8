"""The reference: the semantics, rule by rule, on plain Python integers, one loop a bar.

The parts of a step take (scenario, state, market, t[, one thing]) and return values, so that another loop
can start at any bar from any state and put itself between them. `step` shows how they fit together.
"""

from reference.accounting import book, entry_price
from reference.carry import pay
from reference.decision import (
    decide,
    size_at_execution,
    sizing_base,
    target_quantity,
    valued_at_execution,
)
from reference.execution import commission_of, execute, fill_price, raw_price, sequence
from reference.levels import WHOLE_BAR, Part, barred_after_level, close_at_levels, closing, moved_extremes
from reference.loop import hand_over, initial_state, ledger_of, resume, run, step, trade, trade_resting
from reference.marking import mark
from reference.orders import orders_of, rows_at
from reference.results import Day, Decision, Execution, Flow, Sizing, Valuation

__all__ = [
    "WHOLE_BAR",
    "Day",
    "Decision",
    "Execution",
    "Flow",
    "Part",
    "Sizing",
    "Valuation",
    "barred_after_level",
    "book",
    "close_at_levels",
    "closing",
    "commission_of",
    "decide",
    "entry_price",
    "execute",
    "fill_price",
    "hand_over",
    "initial_state",
    "ledger_of",
    "mark",
    "moved_extremes",
    "orders_of",
    "pay",
    "raw_price",
    "resume",
    "rows_at",
    "run",
    "sequence",
    "size_at_execution",
    "sizing_base",
    "step",
    "target_quantity",
    "trade",
    "trade_resting",
    "valued_at_execution",
]
