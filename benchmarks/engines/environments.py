"""A virtual environment per engine, with the versions of `requirements/NAME.txt`, made when first needed.

They stand outside the project: in `tieout-engines` of the user's cache folder, or where TIEOUT_ENGINES
says. Each can import tieout's source beside its engine, which needs pydantic and pyarrow there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
ROOT = Path(os.environ.get("TIEOUT_ENGINES") or CACHE / "tieout-engines")
SECONDS = 1200.0
"""After which an installation is given up."""


def environment(name: str, version: str | None) -> Path | str:
    """The environment's Python, or why there is none. Ours is the one this runs in.

    version: `3.12` where the engine does not install into this Python's version.
    """
    if name == "ours":
        return Path(sys.executable)
    wanted = HERE / "requirements" / f"{name}.txt"
    home = ROOT / name
    python = home / "bin" / "python"
    stamp = home / "made-from"
    made_from = hashlib.sha256(wanted.read_bytes() + (version or "").encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from:
        return python
    base = interpreter(version)
    if base is None:
        return f"needs Python {version}, which was not found"
    print(f"Making the environment {name} (once)", file=sys.stderr)
    ROOT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    pip = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-q",
        "--prefer-binary",
        "-r",
        wanted,
    ]
    for command in ([base, "-m", "venv", home], pip):
        try:
            parts = [str(part) for part in command]
            done = subprocess.run(parts, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"not installed within {SECONDS:.0f} s"
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
            return f"not installed: {said[-1].removeprefix('ERROR: ')}"
    stamp.write_text(made_from)
    return python


def interpreter(version: str | None) -> str | None:
    """A Python of this version: this one, one on the path, or one installed beside this one."""
    if version is None or sys.version.startswith(f"{version}."):
        return sys.executable
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}*/bin/python{version}"))
    for candidate in [shutil.which(f"python{version}"), *beside]:
        if candidate and not subprocess.run([candidate, "-c", ""], capture_output=True).returncode:
            return str(candidate)
    return None
