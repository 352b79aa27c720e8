"""The two scripts of the GitHub Action: `run` makes the gate, `comment` tells the pull request.

Only the standard library is used: the action runs this file with the Python of the job. All that it is told
comes as environment variables, so no text of a workflow becomes part of a command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONGEST_COMMENT = 65_000
"""Characters. GitHub refuses comments over 65,536."""
COULD_NOT_TELL = 2


def run() -> int:
    """Make the gate; leave page, JUnit file, summary and pending goldens in one folder. Returns 0.

    The gate's own exit code is an output of the step, so that the steps behind it are not skipped.
    """
    project = Path(os.environ.get("DIRECTORY") or ".")
    files = Path(tempfile.mkdtemp(prefix="tieout-", dir=os.environ.get("RUNNER_TEMP")))
    summary = files / "summary.md"
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    code = subprocess.run(_command(project, files), cwd=project, env=environment, check=False).returncode
    if not summary.is_file():
        text = f"`reconcile gate` ended with exit code {code}; its log says why."
        summary.write_text(f"### gate: could not tell\n\n{text}\n", encoding="utf-8")
        code = code or COULD_NOT_TELL  # no summary, no pass
    _append("GITHUB_STEP_SUMMARY", summary.read_text(encoding="utf-8"))
    for pending in _pending(project):
        shutil.copytree(pending, files / "pending" / pending.name)
    _append("GITHUB_OUTPUT", f"exit-code={code}\nfiles={files}\n")
    return 0


def _command(project: Path, files: Path) -> list[str]:
    words = ["reconcile", "gate", "--github", "--junit", str(files / "gate.xml")]
    needed = [sys.executable, "-c", "import bokeh, jinja2"]
    if subprocess.run(needed, capture_output=True, check=False).returncode == 0:
        words += ["--html", str(files / "gate.html")]
    else:
        print("::notice title=tieout::There is no page: install tieout[html] to have one.")
    base = os.environ.get("BASE", "")
    if base and _is_revision(project, base):
        words += ["--base", base]
    for option, name in (("--checks", "CHECKS"), ("--budget", "BUDGET")):
        if os.environ.get(name):
            words += [option, os.environ[name]]
    return words


def _is_revision(project: Path, base: str) -> bool:
    """Whether the checkout holds this revision: a first push has none, a shallow clone may lack it."""
    words = ["git", "cat-file", "-e", f"{base}^{{commit}}"]
    found = (
        not base.startswith("-")
        and not subprocess.run(words, cwd=project, capture_output=True, check=False).returncode
    )
    if not found:
        print(
            "::warning title=tieout::The base revision is not in this checkout, so throughput is held against"
            " the record. Check out with fetch-depth: 0 to time the base."
        )
    return found


def _pending(project: Path) -> list[Path]:
    """The folders of goldens that wait for a review."""
    return sorted(path for path in project.rglob("*.pending") if (path / "change.json").is_file())


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


def comment() -> int:
    """Write the summary as a comment on the pull request, or over the one that an earlier run wrote.

    Returns 0 also where the token may not write (a pull request from a fork): the job's summary has it all.
    """
    marker = f"<!-- tieout gate {os.environ['NAME']} -->"
    text = (Path(os.environ["FILES"]) / "summary.md").read_text(encoding="utf-8")
    if len(text) > LONGEST_COMMENT:
        text = text[:LONGEST_COMMENT].rpartition("\n")[0] + "\n\nThe rest is in the summary of the job.\n"
    body = {"body": f"{marker}\n{text}\n{_run_link()}"}
    issues = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    try:
        earlier = next((c for c in _comments(issues) if str(c.get("body", "")).startswith(marker)), None)
        if earlier is None:
            _call("POST", f"{issues}/{int(os.environ['NUMBER'])}/comments", body)
        else:
            _call("PATCH", f"{issues}/comments/{int(earlier['id'])}", body)
    except urllib.error.HTTPError as error:
        print(
            f"::warning title=tieout::The comment was not written ({error.code}). The job needs the"
            " permission pull-requests: write, which a pull request from a fork does not have."
        )
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"::warning title=tieout::The comment was not written: {type(error).__name__}.")
    return 0


def _comments(issues: str) -> Iterator[dict[str, Any]]:
    page = 1
    while found := _call("GET", f"{issues}/{int(os.environ['NUMBER'])}/comments?per_page=100&page={page}"):
        yield from found
        page += 1


def _run_link() -> str:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name, "") for name in names)
    if not number:
        return ""
    return f"[Page, JUnit file and pending goldens]({server}/{repository}/actions/runs/{number})\n"


def _call(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit({"run": run, "comment": comment}[sys.argv[1]]())
