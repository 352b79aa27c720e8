"""Goldens for syrupy: `assert ledger == snapshot(extension_class=LedgerExtension)`.

They are the goldens of `ledger_snapshot`, in the same folders and under the same rules. Syrupy's own snapshot
folder stays empty, and syrupy neither updates nor removes a golden.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from syrupy.data import SnapshotCollection, SnapshotCollections
from syrupy.extensions.base import AbstractSyrupyExtension

from reconcile.goldens.snapshot import LedgerSnapshot

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation


class ComparisonText(str):
    """Why a comparison with a golden failed, "" when the golden holds."""


class LedgerExtension(AbstractSyrupyExtension):
    """A syrupy extension whose snapshots are goldens."""

    write_immediately = True
    file_extension = "golden"
    _whole: LedgerSnapshot | None = None
    _snapshot: LedgerSnapshot | None = None

    def serialize(self, data: Any, **_: Any) -> str:
        """Hold the ledger against its golden."""
        assert self._snapshot is not None
        holds = self._snapshot == data
        return ComparisonText("" if holds else "\n".join(self._snapshot.lines))

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        """Nothing: the golden is read when the ledger is known."""
        return ""

    def read_snapshot(self, *, test_location: PyTestLocation, index: Any, session_id: str) -> str:
        """Prepare the comparison; the golden is read when the ledger is known."""
        from reconcile.goldens.plugin import snapshot_of

        if self._whole is None:
            item = test_location.item
            # Syrupy passes no request, so the fixture has an effect only in a test that requests it.
            given = getattr(item, "funcargs", {})
            agreement = given.get("golden_agreement", "reference")
            self._whole = snapshot_of(item, agreement, given.get("golden_tolerance"))
        self._snapshot = self._whole(case=index) if isinstance(index, str) else self._whole
        return ""

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """Whether the golden holds."""
        return str(serialized_data) == ""

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        """The explanation of the failed comparison, line by line."""
        yield from str(serialized_data).splitlines()

    @classmethod
    def write_snapshot(cls, *, snapshots: list[tuple[Any, Any, Any]], **_: Any) -> None:
        """Fail: an update has only left a golden pending."""
        raise AssertionError("; ".join(str(told).replace("\n", "; ") for told, _, _ in snapshots))

    @classmethod
    def write_snapshot_collection(cls, **_: Any) -> None:
        """Nothing: see write_snapshot."""

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        """None: tieout's plugin reports the goldens that no test asserts."""
        return SnapshotCollections()

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Nothing: a golden is removed by removing its folder."""

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """Empty: syrupy has no file of its own here."""
        return SnapshotCollection(location=snapshot_location)
