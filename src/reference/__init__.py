"""The reference: the semantics, rule by rule, on plain Python integers, one loop a bar.

The parts of a step take (scenario, state, market, t[, one thing]) and return values, so that another loop
can start at any bar from any state and put itself between them. `step` shows how they fit together.
"""

from reference.accounting import book, mark
from reference.decision import decide
from reference.execution import execute, sequence
from reference.loop import hand_over, initial_state, ledger_of, resume, run, step, trade
from reference.results import Day, Decision, Execution, Valuation

__all__ = [
    "Day",
    "Decision",
    "Execution",
    "Valuation",
    "book",
    "decide",
    "execute",
    "hand_over",
    "initial_state",
    "ledger_of",
    "mark",
    "resume",
    "run",
    "sequence",
    "step",
    "trade",
]
