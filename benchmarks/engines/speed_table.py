"""The peers' results as Markdown: speed, and beside it what was done for it."""

from __future__ import annotations

from typing import Any

from engines import ENGINES, OURS

HEADER = (
    "engine",
    "version",
    "events/s (least to most)",
    f"{OURS} is faster by",
    "fills",
    "final equity",
    "how its work differs",
)


def page(results: dict[str, Any]) -> str:
    """A table a size."""
    return "\n\n".join(size_table(size, measured) for size, measured in results["sizes"].items())


def size_table(size: str, measured: dict[str, Any]) -> str:
    symbols, bars = size.split("x")
    machine = measured["machine"]
    made = f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {measured['date']}"
    ours = measured["engines"].get(OURS, {})
    told = [engine for engine in ENGINES if engine.name in measured["engines"]]
    rows = [cells(engine, measured["engines"][engine.name], ours, measured["events"]) for engine in told]
    lines = [HEADER, ("---",) * len(HEADER), *rows]
    head = f"{measured['events']:,} events ({symbols} symbols x {int(bars):,} bars); {made}"
    return "\n".join([head, "", *("| " + " | ".join(line) + " |" for line in lines)])


def cells(engine: Any, row: dict[str, Any], ours: dict[str, Any], events: int) -> tuple[str, ...]:
    if "events_per_second" not in row:
        return (engine.name, "", row["failed"], "", "", "", engine.differs)
    seconds = row["seconds"]
    spread = f"{short(events / seconds['most'])} to {short(events / seconds['least'])}"
    speed = f"{short(row['events_per_second'])} ({spread}; {row['runs']} runs)"
    faster = ""
    if "seconds" in ours and not engine.name.startswith("engine"):
        faster = f"{seconds['median'] / ours['seconds']['median']:,.0f} times"
    failed = f"; then {row['failed']}" if "failed" in row else ""
    return (
        engine.name,
        row["version"],
        speed + failed,
        faster,
        f"{row['fills']:,}",
        f"{row['final_equity']:,.2f}",
        engine.differs,
    )


def short(rate: float) -> str:
    """Three digits: 4.81 M, 57.9 k."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if rate >= size:
            value = rate / size
            return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f}{unit}"
    return f"{rate:.0f}"
