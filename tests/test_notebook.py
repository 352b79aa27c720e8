"""The notebook in examples is executed, and its outputs are what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "first_divergence.ipynb"


def test_the_notebook_runs_and_shows_results(tmp_path: Path) -> None:
    pytest.importorskip("bokeh", reason="tieout[html] is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [_outputs(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert "matched: 0 breaks" in shown[0]["text/html"] and "<script" not in shown[0]["text/html"]
    assert shown[1]["text/plain"].startswith("<RunResult 32,312 breaks, 1 root: commission is 1.6 times")
    assert "<svg" in shown[1]["text/html"] and "<script" not in shown[1]["text/html"]
    assert "commission" in shown[2]["text/plain"]
    assert shown[3]["text/plain"] == "['commission is 8 bps instead of 5 bps']"
    assert (tmp_path / "page.html").stat().st_size > 1_000_000


def _outputs(cell: Any) -> dict[str, Any]:
    """What a cell showed, by type."""
    return {kind: text for one in cell.outputs for kind, text in one.get("data", {}).items()}
