"""Whether the tables are those that the digest chain in the manifest was written for."""

from __future__ import annotations

from reconcile.auditing.model import Check, Finding, FindingKind, Why
from reconcile.auditing.sink import Sink
from reconcile.comparing.verify_digests import hold_chain
from reconcile.matching.model import ChainState
from vocabulary.ledger import Ledger


def check_chain(sink: Sink, ledger: Ledger) -> None:
    """Hash the tables again; a ledger without a chain claims nothing, and lacks nothing."""
    held = hold_chain(ledger)
    if held.state is ChainState.NONE:
        return
    if held.state is ChainState.NOT_HELD:
        sink.cannot(Check.CHAIN, "tables or columns that the chain may have been written for", Why.LACKING)
        return
    sink.made(Check.CHAIN, len(ledger.manifest.chain or ()))
    if held.state is ChainState.BROKEN:
        at = held.edited_at
        sink.add(
            Finding(Check.CHAIN, FindingKind.EDITED, "manifest.chain", (), at, None, None, None, until=None)
        )
