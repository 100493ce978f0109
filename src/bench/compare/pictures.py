"""Pictures of the results, as SVG."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the back end has to be chosen first)

from . import field  # noqa: E402
from .runs import Runs, Spread  # noqa: E402
from .workloads import HOT_CONNECTIONS, OPEN_LOOP, Workload  # noqa: E402

WIDTH_INCHES, HEIGHT_INCHES = 8.0, 4.5

COLOURS = {
    field.TALLY: "#0b6e4f",
    field.LANES_OFF: "#7fb069",
    field.NO_DATABASE: "#b8b8b8",
    field.WEBDIS_ALWAYS: "#c1292e",
    field.WEBDIS_EVERYSEC: "#f2a6a8",
    field.DJANGO: "#5c4b8a",
    field.PGBENCH: "#235789",
    field.REDIS_BENCHMARK: "#e6af2e",
}
OTHER = "#444444"

# Percentiles are drawn by how many nines they have, as HdrHistogram's own plots are.
NINES = {"0 %": 1.0, "90 %": 10.0, "99 %": 100.0, "99.9 %": 1_000.0, "99.99 %": 10_000.0}


def draw(workloads: list[Workload], runs: Runs, out: Path) -> list[tuple[str, Path]]:
    """Draws what was measured; returns titles and files."""
    measured = [each for each in workloads if any(run.workload == each.name and run.counted for run in runs.all)]
    hot = [each for each in measured if each.name.startswith("hot-")]
    slow = [each for each in measured if each.name.startswith("slow-hot-")]
    spread = [each for each in measured if each.name in ("spread", "zipf", "million", "slow-spread")]
    drawn: list[tuple[str, Path]] = []
    if hot:
        drawn.append(_by_connections("One hot counter", hot, runs, out / "hot.svg"))
    if slow:
        drawn.append(_by_connections("One hot counter, each fsync 2 ms slower", slow, runs, out / "slow-hot.svg"))
    if spread:
        drawn.append(_bars("Many counters", spread, runs, out / "spread.svg"))
    if any(each.name == OPEN_LOOP for each in measured):
        drawn.append(_latencies(runs, out / "latency.svg"))
    return drawn


def _labels(workloads: list[Workload]) -> list[str]:
    return list(dict.fromkeys(entrant.label for workload in workloads for entrant in workload.entrants))


def _by_connections(title: str, workloads: list[Workload], runs: Runs, file: Path) -> tuple[str, Path]:
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
    for label in _labels(workloads):
        found = [(workload.connections, runs.per_second(workload.name, label)) for workload in workloads]
        points = [(connections, spread) for connections, spread in found if spread is not None]
        if points:
            spreads = [spread for _, spread in points]
            axes.errorbar(
                [connections for connections, _ in points],
                [spread.median for spread in spreads],
                yerr=_ranges(spreads),
                label=label,
                color=COLOURS.get(label, OTHER),
                marker="o",
                linewidth=3 if label == field.TALLY else 1.5,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(HOT_CONNECTIONS, [str(connections) for connections in HOT_CONNECTIONS])
    axes.set_xlim(HOT_CONNECTIONS[0] / 1.3, HOT_CONNECTIONS[-1] * 1.3)
    axes.minorticks_off()
    axes.set_xlabel("connections")
    axes.set_ylabel("increments a second")
    return _finish(title, figure, axes, file)


def _bars(title: str, workloads: list[Workload], runs: Runs, file: Path) -> tuple[str, Path]:
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
    labels = _labels(workloads)
    width = 0.8 / len(labels)
    for index, label in enumerate(labels):
        found = [runs.per_second(workload.name, label) for workload in workloads]
        places = [place + index * width for place, spread in enumerate(found) if spread is not None]
        spreads = [spread for spread in found if spread is not None]
        heights = [spread.median for spread in spreads]
        colour = COLOURS.get(label, OTHER)
        axes.bar(places, heights, width, yerr=_ranges(spreads), label=label, color=colour, zorder=2)
    middles = [place + 0.4 - width / 2 for place in range(len(workloads))]
    axes.set_xticks(middles, [workload.title.rsplit(",", 1)[0] for workload in workloads], fontsize=8)
    axes.set_yscale("log")
    axes.set_ylabel("increments a second")
    return _finish(title, figure, axes, file)


def _ranges(spreads: list[Spread]) -> list[list[float]]:
    """How far the least lies below the median, and the most above it."""
    return [[each.median - each.least for each in spreads], [each.most - each.median for each in spreads]]


def _latencies(runs: Runs, file: Path) -> tuple[str, Path]:
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
    for label in COLOURS:
        found = [run.latencies for run in runs.counted(OPEN_LOOP, label) if run.latencies is not None]
        middle = sorted(found, key=lambda latencies: latencies.p99)[(len(found) - 1) // 2] if found else None
        if middle is not None and middle.distribution is not None:
            nines, milliseconds = _distribution(middle.distribution)
            axes.plot(nines, milliseconds, label=f"{label}, {middle.rate:,}/s", color=COLOURS[label])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(NINES.values()), list(NINES))
    axes.minorticks_off()
    axes.set_xlabel("percentile")
    axes.set_ylabel("milliseconds")
    return _finish("Latency at half of each one's own maximum", figure, axes, file)


def _distribution(file: Path) -> tuple[list[float], list[float]]:
    """Reads lines of value, percentile, count and 1 / (1 - percentile); the last has no fourth."""
    nines, milliseconds = [], []
    for line in file.read_text().splitlines():
        words = line.split()
        if len(words) == 4 and words[0].replace(".", "").isdigit() and words[3] != "inf":
            milliseconds.append(float(words[0]))
            nines.append(float(words[3]))
    return nines, milliseconds


def _finish(title: str, figure: plt.Figure, axes: plt.Axes, file: Path) -> tuple[str, Path]:
    axes.set_title(title)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    figure.savefig(file)
    plt.close(figure)
    return title, file
