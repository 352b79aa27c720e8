"""Goldens for syrupy: `assert ledger == snapshot(extension_class=LedgerExtension)`.

The same goldens as `ledger_snapshot`, in the same place and under the same rules; syrupy's own snapshot
folder stays empty, and syrupy neither updates nor removes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from syrupy.data import SnapshotCollection, SnapshotCollections
from syrupy.extensions.base import AbstractSyrupyExtension

from reconcile.golden.snapshot import LedgerSnapshot

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation


class Told(str):
    """What a comparison said, "" where the golden holds."""


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
        return Told("" if holds else "\n".join(self._snapshot.lines))

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        """Stands for the golden on file."""
        return ""

    def read_snapshot(self, *, test_location: PyTestLocation, index: Any, session_id: str) -> str:
        """Stands for the golden on file, which is read where the ledger is at hand."""
        from reconcile.golden.plugin import snapshot_of

        if self._whole is None:
            item = test_location.item
            # The fixture counts where the test asks for it: syrupy hands over no request.
            agreement = getattr(item, "funcargs", {}).get("golden_agreement", "reference")
            self._whole = snapshot_of(item, agreement)
        self._snapshot = self._whole(case=index) if isinstance(index, str) else self._whole
        return ""

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """Whether the golden held."""
        return str(serialized_data) == ""

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        """The golden's own words."""
        yield from str(serialized_data).splitlines()

    @classmethod
    def write_snapshot(cls, *, snapshots: list[tuple[Any, Any, Any]], **_: Any) -> None:
        """An update has left a golden pending, and the test fails all the same."""
        raise AssertionError("; ".join(str(told).replace("\n", "; ") for told, _, _ in snapshots))

    @classmethod
    def write_snapshot_collection(cls, **_: Any) -> None:
        """Nothing: see write_snapshot."""

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        """None: goldens that no test asserts are named by tieout's plugin."""
        return SnapshotCollections()

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Nothing: a golden goes when someone removes its folder."""

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """Empty: there is no file of syrupy's."""
        return SnapshotCollection(location=snapshot_location)
