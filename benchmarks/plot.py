"""Events a second against events, both logarithmic, from the last `make engines-speed`: `make plot`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rows import PEERS

TARGET = Path(__file__).parent.parent / "docs" / "speed.svg"
OURS = {
    "engine reduce 4+4": ("tieout engine", "#b3261e"),
    "reference reduce 4+4": ("tieout reference", "#1f5fa8"),
}
GREYS = ("#333333", "#777777")


def main() -> None:
    if not PEERS.exists():
        sys.exit("nothing to draw: make engines-speed comes first")
    draw(json.loads(PEERS.read_text()), TARGET)
    print(f"{TARGET.relative_to(Path.cwd())} drawn" if TARGET.is_relative_to(Path.cwd()) else TARGET)


def draw(results: dict[str, Any], target: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    # text stays text, and the same figures give the same file
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "tieout", "font.family": "sans-serif"}
    )
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8.0, 4.8))
    lines = series(results)
    others = [name for name in lines if name not in OURS]
    for name, points in lines.items():
        events, middle, least, most = zip(*points, strict=True)
        label, color = OURS.get(name, (name, GREYS[others.index(name) % 2] if name in others else ""))
        bars = [
            [m - low for m, low in zip(middle, least, strict=True)],
            [high - m for m, high in zip(middle, most, strict=True)],
        ]
        marker = "o" if name in OURS else "sv^D<>PX"[others.index(name) % 8]
        axes.errorbar(
            events,
            middle,
            yerr=bars,
            color=color,
            marker=marker,
            label=label,
            linewidth=1.8 if name in OURS else 0.9,
            markersize=5,
            capsize=2,
        )
    axes.set(xscale="log", yscale="log", xlabel="events (symbols x bars)", ylabel="events a second")
    sizes = sorted({point[0] for points in lines.values() for point in points})
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("The plain rebalance: medians, least to most", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, metadata={"Date": None, "Creator": None})


def series(results: dict[str, Any]) -> dict[str, list[tuple[float, float, float, float]]]:
    """Engine -> (events, median, least, most events a second) by size; fastest first."""
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for measured in results["sizes"].values():
        events = measured["events"]
        for name, row in measured["engines"].items():
            if "seconds" in row and (name in OURS or name.split()[0] not in ("engine", "reference")):
                seconds = row["seconds"]
                rates = (events / seconds[key] for key in ("median", "most", "least"))
                lines.setdefault(name, []).append((events, *rates))  # type: ignore[arg-type]
    ordered = sorted(lines.items(), key=lambda line: -max(point[1] for point in line[1]))
    return {name: sorted(points) for name, points in ordered}


if __name__ == "__main__":
    main()
