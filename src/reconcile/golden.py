"""`reconcile.golden`: check goldens, review what changed, accept it with a reason."""

from __future__ import annotations

from reconcile.api.golden import accept, check, review

__all__ = ["accept", "check", "review"]
