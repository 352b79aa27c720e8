"""The hostile corpus as a campaign: make campaign-hostile

Every hostile input whose command is one of a campaign's becomes a folder in out/hostile and a job. The exit
codes have to be those of the commands, and no job may fail in a way that nobody foresaw.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import reconcile
from hostile import cases, world
from reconcile.campaigning.campaign import CampaignResult
from reconcile.campaigning.model import Status

MAPPED = f'mapping = "{{0}}/{world.MAPPING}"\nreference_mapping = "{{0}}/{world.MAPPING}"\n'
FOREIGN = f'reference = "{{0}}/{world.FOREIGN}"\ncandidate = "{{0}}/{world.FOREIGN}"\n'
KINDS: dict[tuple[str, ...], str] = {
    ("check", world.SCENARIO): f'command = "check"\nscenario = "{{0}}/{world.SCENARIO}"\n',
    ("check", world.GATED): f'command = "check"\nscenario = "{{0}}/{world.GATED}"\n',
    ("audit", world.OURS): f'command = "audit"\ncandidate = "{{0}}/{world.OURS}"\n',
    ("diff", world.OURS, world.OURS): (
        f'command = "diff"\nreference = "{{0}}/{world.OURS}"\ncandidate = "{{0}}/{world.OURS}"\n'
    ),
    ("diff", world.FOREIGN, world.FOREIGN, *cases.BOTH_MAPPED, "--tolerance", world.TOLERANCE): (
        f'command = "diff"\n{FOREIGN}{MAPPED}tolerance = "{{0}}/{world.TOLERANCE}"\n'
    ),
}
"""A command line, and the same as an entry of a plan; {0} is the folder of the input."""


def make_corpus(folder: Path, every: int = 1) -> dict[str, int]:
    """Write the inputs, or every so many-th of them, and plan.toml; returns the code that each is due."""
    folder.mkdir(parents=True)
    (folder / "sound").mkdir()
    world.make_world(folder / "sound")
    known = [case for case in cases.every_case() if case.arguments in KINDS][::every]
    due, entries = {}, []
    for number, case in enumerate(known):
        name = f"input-{number:04}"
        shutil.copytree(folder / "sound", folder / name)
        case.spoil(folder / name)
        due[name] = case.code
        entries.append(f"[[matrix]]\n{KINDS[case.arguments].format(name)}")
    (folder / "plan.toml").write_text('name = "hostile"\ntimeout = 120\n' + "\n".join(entries))
    return due


def unlike(found: CampaignResult, due: dict[str, int]) -> list[str]:
    """One line for each input that came to something else than it should, or that has no job."""
    told = {}
    for job, outcome in found.matrix.jobs:
        name = next(word for word in job.name.replace("=", " ").split() if word.startswith("input-"))
        told[name.partition("/")[0]] = outcome
    lines = [f"{name}: no job" for name in due if name not in told]
    for name, one in told.items():
        if one.exit_code != due[name] or one.status not in (Status.DONE, Status.REFUSED):
            lines.append(f"{name}: {one.status.value}, exit code {one.exit_code} instead of {due[name]}: "
                         f"{one.headline}")  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th input")
    parser.add_argument("--folder", type=Path, default=Path("out/hostile"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    due = make_corpus(options.folder, options.every)
    found = reconcile.campaign(options.folder / "plan.toml")
    wrong = unlike(found, due)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(due) - len(wrong):,} of {len(due):,} hostile inputs came to the exit code that they are due")
    sys.exit(1 if wrong or not due else 0)


if __name__ == "__main__":
    main()
