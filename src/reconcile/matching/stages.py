"""The tables that are compared, and the stage to which their rows and columns belong.

Besides the tables of a ledger there is `returns`: a return series that a mapping names beside the ledger.
"""

from __future__ import annotations

from reconcile.matching.model import Stage
from vocabulary.ledger import KEYS, SCHEMA, TIME_COLUMN, Kind

RETURNS = "returns"
COMPARED = {**SCHEMA, RETURNS: {"timestamp": Kind.TIMESTAMP, "return": Kind.RATE}}
"""Every table that can be compared: its columns and their kinds."""
COMPARED_KEYS = {**KEYS, RETURNS: ("timestamp",)}
COMPARED_TIME = {**TIME_COLUMN, RETURNS: "timestamp"}
"""The column that places the rows of each table in time."""

STAGES = tuple(Stage)
RANK = {stage: rank for rank, stage in enumerate(STAGES)}

ROW_STAGE: dict[str, Stage] = {
    "targets": Stage.TARGET,
    "orders": Stage.ORDER,
    "fills": Stage.STATUS,  # whether an order executed, and when
    "positions": Stage.POSITION,
    "costs": Stage.COST,
    "equity": Stage.EQUITY,
    "flows": Stage.FLOW,
    RETURNS: Stage.RETURN,
}
"""The stage of a break about a whole row: missing, extra, duplicate, timing."""

FIELD_STAGE: dict[tuple[str, str], Stage] = {
    ("targets", "rebalance"): Stage.TARGET,
    ("targets", "rank"): Stage.TARGET,
    ("targets", "weight"): Stage.TARGET,
    ("targets", "quantity"): Stage.TARGET,
    ("targets", "symbol"): Stage.TARGET,
    ("orders", "executes_at"): Stage.ORDER,
    ("orders", "rebalance"): Stage.ORDER,
    ("orders", "symbol"): Stage.ORDER,
    ("orders", "side"): Stage.ORDER,
    ("orders", "quantity"): Stage.ORDER,
    ("orders", "reason"): Stage.ORDER,
    ("orders", "status"): Stage.STATUS,
    ("orders", "filled"): Stage.QUANTITY,
    ("fills", "decided_at"): Stage.ORDER,
    ("fills", "symbol"): Stage.ORDER,
    ("fills", "side"): Stage.ORDER,
    ("fills", "reason"): Stage.ORDER,
    ("fills", "sequence"): Stage.STATUS,  # E1: which order met the cash first
    ("fills", "quantity"): Stage.QUANTITY,
    ("fills", "price"): Stage.PRICE,
    ("fills", "notional"): Stage.COST,
    ("fills", "commission"): Stage.COST,
    ("fills", "slippage"): Stage.COST,
    ("positions", "symbol"): Stage.POSITION,
    ("positions", "quantity"): Stage.POSITION,
    ("positions", "average_price"): Stage.POSITION,
    ("positions", "basis"): Stage.POSITION,
    ("positions", "mark"): Stage.MARK,
    ("positions", "market_value"): Stage.MARK,
    ("costs", "turnover"): Stage.COST,
    ("costs", "commission"): Stage.COST,
    ("costs", "slippage"): Stage.COST,
    ("equity", "rebalance"): Stage.TARGET,  # decided at this bar, so part of the next cycle
    ("equity", "cash"): Stage.CASH,
    ("equity", "market_value"): Stage.MARK,
    ("equity", "equity"): Stage.EQUITY,
    ("flows", "symbol"): Stage.FLOW,
    ("flows", "kind"): Stage.FLOW,
    ("flows", "amount"): Stage.FLOW,
    (RETURNS, "return"): Stage.RETURN,
}

ROW_VALUE: dict[str, str] = {
    "targets": "quantity",
    "orders": "quantity",
    "fills": "quantity",
    "positions": "quantity",
    "costs": "turnover",
    "equity": "equity",
    "flows": "amount",
    RETURNS: "return",
}
"""The column whose value represents a whole row."""


def field_stage(table: str, column: str) -> Stage:
    """The stage of a cell. A column that the schema does not name has the stage of its row."""
    return FIELD_STAGE.get((table, column), ROW_STAGE[table])
