"""Break programs at random places, and ask `explain` what is wrong with the ledgers that come out.

    python tests/explain_mutants.py FOLDER                       a hundred mutants, drawn with seed 17
    python tests/explain_mutants.py FOLDER --count 20 --seed 3
    python tests/explain_mutants.py FOLDER --judge tests/explain_mutants.json

The last holds the answers against those on record, which were judged by hand.

A mutant is an engine of a user (tests/own_engines.py), the reference, the engine or its compiled kernel, with
one line changed (tests/mutants.py). One that fails, or gives the same ledger on every ground, tells nothing,
and another is drawn in its place. The ledgers are kept in FOLDER: after a change of explain they are only
explained anew.

Each answer is a line of FOLDER/answers.jsonl. Whether a cause or lead is the change, or false, is for a
person to judge; docs/drill.md has the score. With --judge, answers whose causes and leads are those judged
take their judgement.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import explain_kit as kit  # noqa: E402
from tests.mutant_runs import MODULES, drawn, kept, subject_of  # noqa: E402

import reconcile  # noqa: E402

SHARES = {"own": 30, "reference": 64, "engine": 6}
"""Of a hundred mutants, those of each program. The kernel is mutated when asked for: each takes a compile."""
PATIENCE = 240.0
"""Seconds of the processor after which explain is given up."""


# Answers


def _give_up(signum: int, frame: object) -> None:
    raise TimeoutError


def answer(known: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What explain says of a mutant's ledger."""
    place = folder / known["program"] / f"{known['module']}-{known['place']}"
    ledger = reconcile.read_ledger(place / "ledger")
    began = time.process_time()
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        found = kit.explained(subject_of(known["ground"]), ledger)
    except TimeoutError:
        said: dict[str, Any] = {"verdict": "given up", "causes": [], "leads": []}
    else:
        said = {
            "verdict": found.verdict.value,
            "breaks": found.breaks,
            "left": found.unexplained_breaks,
            "causes": [[cause.sentence, *cause.alternatives] for cause in found.causes],
            "leads": [lead.sentence for lead in found.leads],
            "patterns": list(found.patterns),
        }
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {**known, **said, "seconds": round(time.process_time() - began, 1)}


def judged(told: dict[str, Any], record: list[dict[str, Any]]) -> str | None:
    """The judgement on the same answer: named, false, or nothing (is named); None where it is new."""
    if not told["causes"] and not told["leads"]:
        return "nothing"
    for one in record:
        if all(one[key] == told[key] for key in ("program", "module", "before", "after", "ground")):
            for known in (one["first"], one["after mending"]):
                if [known["causes"], known["leads"]] == [told["causes"], told["leads"]]:
                    return str(known["judgement"])
    return None


def score_table(record: list[dict[str, Any]]) -> str:
    """The table of docs/drill.md: judgements by program, at first and after mending."""
    lines = ["| | mutants | named | nothing named | named falsely |", "| --- | --- | --- | --- | --- |"]
    for program in (*SHARES, None):
        rows = [one for one in record if program in (None, one["program"])]
        counts = [
            " → ".join(
                str(sum(one[when]["judgement"] == what for one in rows))
                for when in ("first", "after mending")
            )
            for what in ("named", "nothing", "false")
        ]
        if rows:
            lines.append(f"| {program or 'all'} | {len(rows)} | {' | '.join(counts)} |")
    return "\n".join(lines)


def main() -> int:
    given = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given.add_argument("folder", type=Path)
    given.add_argument("--count", type=int, default=100)
    given.add_argument("--seed", type=int, default=17)
    given.add_argument("--program", choices=list(MODULES), action="append")
    given.add_argument("--judge", type=Path)
    given.add_argument("--only-ledgers", action="store_true", help="explain nothing yet")
    options = given.parse_args()
    record = json.loads(options.judge.read_text(encoding="utf-8")) if options.judge else []
    outcomes: Counter[str] = Counter()
    answers = []
    for program in options.program or SHARES:
        wanted = -(-options.count * SHARES.get(program, 100) // 100)
        for mutant in drawn(program, options.seed):
            if not wanted:
                break
            known = kept(mutant, options.folder)
            if known["ground"] is None:
                outcomes["the same ledger" if known["ran"] else "failed"] += 1
                continue
            wanted -= 1
            if options.only_ledgers:
                continue
            told = answer(known, options.folder)
            told["judgement"] = judged(told, record)
            outcomes[told["judgement"] or "not judged"] += 1
            answers.append(told)
            print(json.dumps(told), flush=True)
    if answers:
        lines = "".join(json.dumps(told) + "\n" for told in answers)
        (options.folder / "answers.jsonl").write_text(lines, encoding="utf-8")
    print(json.dumps(outcomes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
