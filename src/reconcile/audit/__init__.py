"""Auditing one ledger alone: whether its numbers add up, and could have happened."""

from reconcile.audit.audit import audit
from reconcile.audit.nouns import (
    CLAIMS,
    LIMIT,
    NEEDS_MARKET,
    Absorbed,
    Audit,
    Check,
    Checked,
    Finding,
    FindingKind,
    RowName,
    Unchecked,
    Verdict,
    Why,
)

__all__ = [
    "CLAIMS",
    "LIMIT",
    "NEEDS_MARKET",
    "Absorbed",
    "Audit",
    "Check",
    "Checked",
    "Finding",
    "FindingKind",
    "RowName",
    "Unchecked",
    "Verdict",
    "Why",
    "audit",
]
