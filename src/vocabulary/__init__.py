"""The words that engine, reference and reconcile share: frozen nouns, no behaviour."""

from vocabulary.errors import CallableError, InputError, OutputError, RangeError, TieoutError
from vocabulary.ledger import (
    KEYS,
    RUN_TABLES,
    SCHEMA,
    SEMANTICS_DIGEST,
    SEMANTICS_VERSION,
    TIME_COLUMN,
    Column,
    FlowKind,
    Kind,
    Ledger,
    Manifest,
    Table,
)
from vocabulary.market import Market
from vocabulary.scenario import Scenario
from vocabulary.state import State
from vocabulary.view import View

__all__ = [
    "KEYS",
    "RUN_TABLES",
    "SCHEMA",
    "SEMANTICS_DIGEST",
    "SEMANTICS_VERSION",
    "TIME_COLUMN",
    "CallableError",
    "Column",
    "FlowKind",
    "InputError",
    "Kind",
    "Ledger",
    "Manifest",
    "Market",
    "OutputError",
    "RangeError",
    "Scenario",
    "State",
    "Table",
    "TieoutError",
    "View",
]
