"""The measurements of each run."""

import csv
import statistics
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True)
class Latencies:
    """Milliseconds from the due time of a request, or in a closed loop from its sending, until its response ended."""

    rate: int | None  # None: a closed loop
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    distribution: Path | None  # None: these percentiles only


@dataclass(frozen=True)
class Outcome:
    """The result of a load generator."""

    operations: int
    seconds: float
    errors: int
    least: int  # the minimum growth of the sum of the counters
    most: int  # the maximum growth
    latencies: Latencies | None = None


@dataclass(frozen=True)
class Run:
    workload: str
    contestant: str
    connections: int
    repetition: int
    operations: int
    seconds: float
    per_second: float
    errors: int
    acknowledged: int
    stored: int
    counted: bool
    why_not: str
    generator_cpu_micros: float
    other_cpu_micros: float
    rss_kib: int
    latencies: Latencies | None = None


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, and their range."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Iterable[float]) -> "Spread | None":
        found = list(values)
        return Spread(statistics.median(found), min(found), max(found)) if found else None


class Runs:
    """All runs, in order."""

    def __init__(self) -> None:
        self.all: list[Run] = []

    def add(self, run: Run) -> None:
        self.all.append(run)

    def of(self, workload: str, contestant: str) -> list[Run]:
        return [run for run in self.all if run.workload == workload and run.contestant == contestant]

    def counted(self, workload: str, contestant: str) -> list[Run]:
        return [run for run in self.of(workload, contestant) if run.counted]

    def per_second(self, workload: str, contestant: str) -> Spread | None:
        return Spread.of(run.per_second for run in self.counted(workload, contestant))

    def discard(self, workload: str, contestants: Iterable[str], why: str) -> None:
        """Invalidates the runs of a workload after a check failed."""
        concerned = set(contestants)
        for index, run in enumerate(self.all):
            if run.workload == workload and run.contestant in concerned and run.counted:
                self.all[index] = replace(run, counted=False, why_not=why)

    def write(self, path: Path) -> None:
        """As CSV, a line for each."""
        columns = [field.name for field in fields(Run) if field.name != "latencies"]
        percentiles = ["p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"]
        with path.open("w", newline="") as out:
            lines = csv.writer(out)
            lines.writerow(columns + percentiles)
            for run in self.all:
                values = [_cell(getattr(run, column)) for column in columns]
                lines.writerow(values + _percentiles(run.latencies))


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else value


def _percentiles(latencies: Latencies | None) -> list[object]:
    if latencies is None:
        return [""] * 5
    return list(astuple(latencies)[1:6])
