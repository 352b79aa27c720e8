"""A project of two or three cheap cases, to check, change and kill."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from reconcile.goldens import accept_transaction as accepting
from reconcile.goldens.changes import find_causes
from reconcile.goldens.files import MANIFEST, SEAL, manifest_bytes, seal_bytes, seal_id
from reconcile.goldens.model import (
    Agreement,
    Change,
    Figures,
    Golden,
    GoldenManifest,
    Inputs,
    ProjectPaths,
    Storage,
)
from reconcile.goldens.project_paths import find_project
from reconcile.goldens.store import put_pending, read_goldens

CASES = ("one", "two", "three")


def project(folder: Path) -> ProjectPaths:
    """An empty project there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text("[tool.reconcile]\n", encoding="utf-8")
    return find_project(folder)


def figures(version: int) -> Figures:
    return Figures(
        ledger=f"{version:064x}",
        bars=3,
        rebalances=1,
        fills=2 + version,
        turnover=Decimal("200.00"),
        commission=Decimal(version),
        slippage=Decimal("0.10"),
        final_equity=Decimal("1010.00"),
        total_return=Decimal("0.01") / version,
        max_drawdown=Decimal("0.02"),
    )


def golden(case: str, version: int, rate: str = "5") -> Golden:
    """A small golden made up; another version is another ledger of another commission."""
    scenario = f'[costs.commission]\nkind = "bps"\nrate = "{rate}"\n'
    inputs = Inputs(f"{rate}", "m", "d", "market", "tests/golden/cases", "s")
    manifest = GoldenManifest(
        case, Agreement.REFERENCE, None, Storage.FULL, inputs, figures(version), {"fills": 2}
    )
    files = {
        MANIFEST: manifest_bytes(manifest),
        "scenario.toml": scenario.encode(),
        "tables/fills.csv": f"sequence,price\n0,{version}\n1,7\n".encode(),
    }
    files[SEAL] = seal_bytes(files)
    return Golden(manifest, files, seal_id(files))


def offer(place: ProjectPaths, case: str, version: int, rate: str = "5") -> None:
    """Leave a version of a case pending."""
    before = read_goldens(place, [case]).goldens.get(case)
    after = golden(case, version, rate)
    put_pending(
        place,
        after,
        Change(
            case=case,
            replaces=None if before is None else before.id,
            causes=find_causes(before, after),
            before=None if before is None else before.manifest.figures,
            after=after.manifest.figures,
            first=None,
            by_stage={},
            fills=2,
            rebalances=1,
            whole=True,
        ),
    )


def bless(place: ProjectPaths, version: int, cases: Sequence[str] = CASES) -> None:
    """Put a version of each case in its place."""
    from reconcile.goldens.accept import accept

    for case in cases:
        offer(place, case, version)
    accept(place, cases, f"version {version}")


def versions(place: ProjectPaths) -> dict[str, int]:
    """The version of each case, as any command sees it."""
    return {case: int(one.manifest.figures.ledger, 16) for case, one in read_goldens(place).goldens.items()}


def leftovers(place: ProjectPaths) -> list[str]:
    """Everything in the folder of goldens that is neither a golden nor pending."""
    assert not accepting.has_leftovers(place)
    beside = [path.name for path in place.journal.parent.iterdir()]
    return sorted(name for name in beside if name not in ("blessed", "JOURNAL.md", "cases"))
