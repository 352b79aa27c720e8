"""What ships beside the wheel works: the GitHub Action, the hooks, the GitLab job, the conda recipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.goldens.project_paths import PENDING
from reconcile.templates.project import template, write_files

BIN = str(Path(sys.executable).parent)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what CI itself set, the scripts of the environment on PATH."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI_"))}
    return {**own, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project whose only golden waits for a review."""
    root = tmp_path / "project"
    write_files(root)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    made = subprocess.run(words, cwd=root, env=environment(), capture_output=True, text=True, check=False)
    assert "pending" in made.stdout, made.stdout + made.stderr
    return root


def accept(root: Path) -> None:
    words = ["reconcile", "golden", "accept", "--all", "--reason", "first results"]
    subprocess.run(words, cwd=root, env=environment(), check=True, capture_output=True)


def action(repository: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(repository / ".github/action/gate.py"), command]
    return subprocess.run(
        words, env=environment(**variables), capture_output=True, text=True, check=False, timeout=120
    )


def test_the_action_leaves_page_summary_and_pending_goldens(
    repository: Path, project: Path, tmp_path: Path
) -> None:
    """A gate that does not pass ends the step well, and its exit code goes to the last one."""
    variables = {
        "DIRECTORY": str(project),
        "CHECKS": "goldens",
        "BASE": "0" * 40,
        "NAME": "g",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "shown.md"),
        "GITHUB_ACTIONS": "true",
    }
    done = action(repository, "run", **variables)
    assert done.returncode == 0, done.stderr
    assert "throughput is held against the record" in done.stdout
    outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
    files = Path(outputs["files"])
    assert outputs["exit-code"] in ("1", "2") and "::error" in done.stdout
    assert (files / "gate.html").read_text().startswith("<!DOCTYPE html>")
    assert (files / "gate.xml").is_file()
    assert (tmp_path / "shown.md").read_text() == (files / "summary.md").read_text()
    assert [path.name for path in (files / "pending").iterdir()] == [
        f"test_my_engine.test_keeps_to_its_golden{PENDING}"
    ]
    accept(project)
    (tmp_path / "outputs").unlink()
    assert action(repository, "run", **variables).returncode == 0
    assert "exit-code=0\n" in (tmp_path / "outputs").read_text()


def test_a_gate_that_ends_without_a_summary_is_no_pass(repository: Path, tmp_path: Path) -> None:
    """A command that is not there, or that says nothing, exits 2 whatever its own code is."""
    quiet = tmp_path / "bin"
    quiet.mkdir()
    (quiet / "reconcile").write_text("#!/bin/sh\nexit 0\n")
    (quiet / "reconcile").chmod(0o755)
    output = tmp_path / "outputs"
    words = [sys.executable, str(repository / ".github/action/gate.py"), "run"]
    variables = environment(RUNNER_TEMP=str(tmp_path), GITHUB_OUTPUT=str(output), DIRECTORY=str(tmp_path))
    variables["PATH"] = f"{quiet}{os.pathsep}{variables['PATH']}"
    subprocess.run(words, env=variables, check=True, capture_output=True)
    assert "exit-code=2\n" in output.read_text()


class GitHub(BaseHTTPRequestHandler):
    """As much of the comments API as the action needs: list by pages, create, update."""

    comments: list[dict[str, Any]]
    refuses = False

    def do_GET(self) -> None:
        page = int(re.search(r"[?&]page=(\d+)", self.path)[1])  # type: ignore[index]
        self.answer(self.comments[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        comment = {"id": 1000 + len(self.comments), **self.received()}
        self.comments.append(comment)
        self.answer(comment)

    def do_PATCH(self) -> None:
        (comment,) = [c for c in self.comments if c["id"] == int(self.path.rpartition("/")[2])]
        comment.update(self.received())
        self.answer(comment)

    def received(self) -> dict[str, Any]:
        assert self.headers["Authorization"] == "Bearer secret"
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def answer(self, found: object) -> None:
        self.send_response(403 if self.refuses else 200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def github() -> Iterator[tuple[type[GitHub], str]]:
    others = [{"id": n, "body": "a person's"} for n in range(130)]
    kind = type("Server", (GitHub,), {"comments": others})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield kind, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_comment_is_written_once_and_then_updated(
    repository: Path, tmp_path: Path, github: tuple[type[GitHub], str]
) -> None:
    """Found again behind more than one page of other comments; nobody else's is touched."""
    kind, url = github
    variables = {
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": "a/b",
        "TOKEN": "secret",
        "NUMBER": "7",
        "NAME": "tieout-gate",
        "FILES": str(tmp_path),
    }
    for text in ("### gate: failed\n", "### gate: passed\n", "x" * 70_000 + "\n"):
        (tmp_path / "summary.md").write_text(text)
        done = action(repository, "comment", **variables)
        assert done.returncode == 0, done.stderr
        (own,) = [c for c in kind.comments if "tieout" in c["body"]]
        assert len(kind.comments) == 131 and len(own["body"]) < 65_536
        assert text[:12] in own["body"] or "The rest is in the summary" in own["body"]
    kind.refuses = True
    done = action(repository, "comment", **variables)
    assert done.returncode == 0 and "::warning" in done.stdout and "secret" not in done.stdout + done.stderr


def test_the_action_names_scripts_and_inputs_that_exist(repository: Path) -> None:
    """Every input is used, every script is there, and no text of a workflow stands inside a command."""
    found = parsed(repository / "action.yml")
    steps = found["runs"]["steps"]
    text = json.dumps(steps)
    assert all(f"inputs.{name}" in text for name in found["inputs"])
    commands = [step["run"] for step in steps if "run" in step]
    assert not [command for command in commands if "${{" in command]
    scripts = {name for command in commands for name in re.findall(r"GITHUB_ACTION_PATH/([\w./]+)", command)}
    assert scripts == {".github/action/gate.py"} and all((repository / name).is_file() for name in scripts)
    assert all("@v" in step["uses"] for step in steps if "uses" in step)


def test_the_hooks_fail_on_what_does_not_hold(repository: Path, project: Path) -> None:
    """A pending golden and a scenario with a mistake; both pass when they are mended."""
    hooks = {hook["id"]: hook for hook in parsed(repository / ".pre-commit-hooks.yaml")}

    def run(hook: str, *files: str) -> int:
        command = f"{hooks[hook]['entry']} {' '.join(files)}"
        words = ["bash", "-c", command]
        return subprocess.run(
            words, cwd=project, env=environment(), capture_output=True, check=False
        ).returncode

    assert run("tieout-goldens") != 0
    accept(project)
    (project / "tests/test_my_engine.py").unlink()
    assert run("tieout-goldens") != 0, "a golden that no test asserts"
    (project / "scenarios").mkdir()
    (project / "scenarios/wrong.toml").write_text("[market]\ndata = 'nowhere'\n")
    assert re.search(hooks["tieout-scenarios"]["files"], "scenarios/wrong.toml")
    assert run("tieout-scenarios", "scenario.toml") == 0
    assert run("tieout-scenarios", "scenarios/wrong.toml", "scenario.toml") == 2


def test_the_gitlab_job_makes_the_gate(repository: Path, project: Path) -> None:
    """Its script, run as GitLab runs it: line by line in one shell that ends at the first failure."""
    job = parsed(repository / ".github/gitlab/tieout.gitlab-ci.yml")[".tieout-gate"]
    script = "set -e\n" + "\n".join(job["script"])
    variables = environment(TIEOUT_CHECKS="goldens", CI_COMMIT_BEFORE_SHA="0" * 40)
    words = ["bash", "-c", script]

    def run() -> int:
        return subprocess.run(words, cwd=project, env=variables, capture_output=True, check=False).returncode

    assert run() in (1, 2)
    assert (project / "out/gate.xml").is_file() and (project / "out/gate.html").is_file()
    accept(project)
    assert run() == 0


def test_the_conda_recipe_follows_the_project(repository: Path) -> None:
    """Version, requirements and entry points are those of pyproject.toml."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    recipe = parsed(repository / "packaging/conda/recipe.yaml")
    assert recipe["context"] == {"name": project["name"], "version": project["version"]}
    needed = {need.replace(" ", "") for need in recipe["requirements"]["run"]}
    assert needed == {*project["dependencies"], f"python{project['requires-python']}"}
    entries = dict(entry.split(" = ") for entry in recipe["build"]["python"]["entry_points"])
    assert entries == project["scripts"]
    assert project["name"] in entries, "what `uvx NAME` and `pipx run NAME` start"
    assert recipe["about"]["summary"] == project["description"]


def test_a_new_project_installs_from_its_own_settings_and_gates_after_a_failed_test() -> None:
    """The workflow that `init` writes installs a group of the pyproject.toml that it writes."""
    steps = yaml.safe_load(template(".github/workflows/backtests.yml"))["jobs"]["gate"]["steps"]
    text = "\n".join(step.get("run", "") for step in steps)
    (group,) = re.findall(r"--group (\S+)", text)
    assert group in tomllib.loads(template("pyproject.toml"))["dependency-groups"]
    (gate,) = [step for step in steps if step.get("name") == "gate"]
    assert "!cancelled()" in gate["if"]
    (upload,) = [step for step in steps if "upload-artifact" in step.get("uses", "")]
    assert f"*{PENDING}/" in upload["with"]["path"] and f"*{PENDING}/" in template(".gitignore")


def test_what_is_published_has_the_version_of_its_tag(repository: Path) -> None:
    """The release workflow compares them; the changelog names that version."""
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    steps = parsed(repository / ".github/workflows/publish.yml")["jobs"]["build"]["steps"]
    (check,) = [step for step in steps if step.get("name") == "the tag is the version"]

    def run(tag: str) -> int:
        words = ["bash", "-e", "-c", check["run"]]
        given = environment(TAG=tag)
        return subprocess.run(words, cwd=repository, env=given, capture_output=True, check=False).returncode

    assert run(f"v{version}") == 0 and run("v9.9.9") == 1
    assert f"## {version}" in (repository / "CHANGELOG.md").read_text()
