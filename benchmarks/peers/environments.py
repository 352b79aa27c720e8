"""A virtual environment a peer, with the versions of `requirements/NAME.txt`, made when first needed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent / ".peers"


def environment(name: str, version: str | None) -> Path | str:
    """The environment's Python, or why there is none. Ours is the one this runs in.

    version: `3.12` where the peer does not install into this Python's version.
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
    print(f"Making .peers/{name} (once)", file=sys.stderr)
    ROOT.mkdir(exist_ok=True)
    (ROOT / ".gitignore").write_text("*\n")
    shutil.rmtree(home, ignore_errors=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q", "-r", wanted]
    for command in ([base, "-m", "venv", home], pip):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
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
