"""The report, and the short tables for the README."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import field
from .contestants import JVM_MEMORY, SOURCES, Contestant
from .machine import Machine
from .modes import Mode
from .pictures import draw
from .runs import Runs, Spread
from .servers import POSTGRES_SETTINGS, REDIS_SETTINGS
from .targets import KIB_PER_MIB, TARGETS, Measured, is_hot, p99
from .workloads import CONNECTIONS, MINIMAL, OPEN_LOOP, PIPELINED, Entrant, Workload

ABSENT = "–"
PERCENTILES = ("p50", "p90", "p99", "p999", "max")


@dataclass(frozen=True)
class Facts:
    """The facts of a report besides the figures."""

    mode: Mode
    machine: Machine
    slow_syncs_per_second: float | None
    versions: dict[str, str]
    commit: str
    contestants: list[Contestant]
    minutes: float
    audit_share: float | None
    only: list[str]


def write(facts: Facts, workloads: list[Workload], runs: Runs, out: Path) -> None:
    pictures = draw(workloads, runs, out)
    parts = [
        "# Tally compared with its alternatives\n",
        _warning(facts),
        _machine(facts),
        _contestants(facts),
        "## Targets\n",
        _targets(facts, runs),
        "## Every row\n\nPer second: the median, minimum and maximum of the valid runs.\n",
        *(_row(workload, runs) for workload in workloads if not workload.has_constant_rate),
        _latency(runs),
        _small_loads(workloads, runs),
        _memory(workloads, runs),
        _not_counted(runs),
        "\n".join(f"![{title}]({file.name})\n" for title, file in pictures),
        _method(facts),
    ]
    (out / "report.md").write_text("\n".join(part for part in parts if part))
    short = [
        _compact(workloads, runs),
        _small_loads_compact(workloads, runs),
        _conditions(facts),
        _targets(facts, runs),
        _memory(workloads, runs),
    ]
    (out / "table.md").write_text("\n".join(part for part in short if part))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _warning(facts: Facts) -> str:
    if facts.mode.means_nothing:
        return "**These figures are not valid**: brief runs without warm-up only test the comparison itself.\n"
    return ""


def _machine(facts: Facts) -> str:
    machine, mode = facts.machine, facts.mode
    slow = facts.slow_syncs_per_second
    rows = [
        ("processor", f"{machine.cpu}, {machine.cores} cores, shared with the load generator"),
        ("memory", f"{machine.memory_gib:.1f} GiB"),
        ("system", f"{machine.system}, Linux {machine.kernel}"),
        ("disk", f"{machine.file_system}; {machine.syncs_per_second:,.0f} writes and fdatasyncs a second, one after the other"),
        ("slow disk", ABSENT if slow is None else f"the same, each fsync and fdatasync 2 ms slower: {slow:,.0f} a second"),
        ("Tally", f"commit {facts.commit}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())),
        ("mode", f"{mode.name}: {mode.repetitions} × {mode.seconds:g} s, Tally warmed up for {mode.warm_up_seconds:g} s"),
        ("workloads", ", ".join(facts.only) if facts.only else "all of this mode"),
        ("duration", f"{facts.minutes:.1f} minutes without the build"),
    ]
    return "## Machine\n\n" + _table(["", ""], rows)


def _contestants(facts: Facts) -> str:
    rows = [(each.name, each.what, each.durability) for each in facts.contestants]
    postgres = ", ".join(f"{name} = {value}" for name, value in POSTGRES_SETTINGS.items())
    redis = ", ".join(f"{name} = {value or 'none'}" for name, value in REDIS_SETTINGS.items())
    options = (SOURCES / "main" / "docker" / "jvm.options").read_text().splitlines()
    flags = [line for line in options if line.startswith("-") and not line.startswith("-Djava.library.path")]
    return (
        "## Contestants\n\n"
        + _table(["contestant", "what it is", "what an acknowledged increment survives"], rows)
        + f"\nPostgreSQL, for all contestants that use it: {postgres}. Redis: {redis}. "
        + f"Java: `{' '.join([*flags, f'-XX:MaxRAM={JVM_MEMORY}'])}`.\n"
    )


def _conditions(facts: Facts) -> str:
    """The conditions of the figures in the short table."""
    machine, mode = facts.machine, facts.mode
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    survives = "\n".join(f"- {each.name} ({each.what}): {each.durability}" for each in facts.contestants)
    return (
        f"{machine.cpu}, {machine.cores} cores shared with the load generator, {machine.syncs_per_second:,.0f} fdatasyncs a "
        f"second, {machine.system}; {versions}; Tally at commit {facts.commit}. Medians of {mode.repetitions} interleaved "
        f"runs of {mode.seconds:g} s after {mode.warm_up_seconds:g} s of warm-up.\n\n"
        f"What an acknowledged increment survives:\n\n{survives}\n"
    )


def _targets(facts: Facts, runs: Runs) -> str:
    measured = Measured(runs, facts.audit_share)
    rows = [
        (each.what, each.required(), each.found(measured), ABSENT if facts.mode.means_nothing else each.verdict(measured))
        for each in TARGETS
    ]
    return _table(["target", "required", "measured", "result"], rows)


def _row(workload: Workload, runs: Runs) -> str:
    reference = runs.per_second(workload.name, workload.reference)
    rows = [_cells(workload, entrant, reference, runs) for entrant in workload.entrants]
    head = [
        "",
        "per second",
        f"{workload.reference} is",
        "valid runs",
        "CPU µs per operation: load generator",
        "all other processes",
    ]
    return f"### {workload.title}\n\n`{workload.name}`\n\n" + _table(head, rows)


def _cells(workload: Workload, entrant: Entrant, reference: Spread | None, runs: Runs) -> list[str]:
    every, counted = runs.of(workload.name, entrant.label), runs.counted(workload.name, entrant.label)
    spread = runs.per_second(workload.name, entrant.label)
    if not every:
        return [entrant.label, "not measured in this mode", *[ABSENT] * 4]
    if spread is None:
        return [entrant.label, "**no valid run**", ABSENT, f"0 of {len(every)}", ABSENT, ABSENT]
    figures = f"{spread.median:,.0f} ({spread.least:,.0f}–{spread.most:,.0f})"
    times = ABSENT if reference is None or entrant.label == workload.reference else _times(reference.median / spread.median)
    generator = Spread.of(run.generator_cpu_micros for run in counted)
    other = Spread.of(run.other_cpu_micros for run in counted)
    costs = [ABSENT if cost is None else f"{cost.median:.1f}" for cost in (generator, other)]
    return [entrant.label, figures, times, f"{len(counted)} of {len(every)}", *costs]


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"


def _latency(runs: Runs) -> str:
    labels = dict.fromkeys(run.contestant for run in runs.all if run.workload == OPEN_LOOP)
    if not labels:
        return ""
    rows = []
    for label in labels:
        rates = [run.latencies.rate for run in runs.counted(OPEN_LOOP, label) if run.latencies is not None]
        rate = f"{rates[0]:,}" if rates else ABSENT
        rows.append([label, rate, *_milliseconds(OPEN_LOOP, label, PERCENTILES, runs), _valid(OPEN_LOOP, label, runs)])
    return (
        "## Latency\n\nMilliseconds from the due time of a request to the end of its response, at half of each contestant's own "
        f"maximum on one hot counter, over {CONNECTIONS} connections; medians of the valid runs. The latency includes the "
        "wait for a free connection.\n\n"
        + _table(["", "requests a second", "p50", "p90", "p99", "p99.9", "max", "valid runs"], rows)
    )


def _has_small_load(workload: Workload) -> bool:
    is_small = workload.has_constant_rate and workload.name != OPEN_LOOP
    is_single = workload.connections == 1 and workload.reference == field.TALLY
    return is_small or is_single


def _small_loads(workloads: list[Workload], runs: Runs) -> str:
    rows = []
    for workload in filter(_has_small_load, workloads):
        for label in _with_latencies(workload, runs):
            figures = _milliseconds(workload.name, label, PERCENTILES, runs)
            rows.append([workload.title, label, *figures, _valid(workload.name, label, runs)])
    if not rows:
        return ""
    return (
        "## Latency at small loads\n\nMilliseconds; medians of the valid runs. At a constant rate, the latency counts "
        "from the due time of a request. With one connection, each request follows the response to the one before, and "
        "wrk adds to its percentiles the requests that a pause kept from being sent.\n\n"
        + _table(["", "", "p50", "p90", "p99", "p99.9", "max", "valid runs"], rows)
    )


def _small_loads_compact(workloads: list[Workload], runs: Runs) -> str:
    rows = []
    for workload in filter(_has_small_load, workloads):
        labels = _with_latencies(workload, runs)
        figures = {label: _milliseconds(workload.name, label, ("p50", "p99", "p999"), runs) for label in labels}
        if figures:
            rows.append([workload.title, *(" · ".join(figures.get(label, [ABSENT])) for label in _SMALL_LOAD_COLUMNS)])
    return _table(["ms: p50 · p99 · p99.9", *_SMALL_LOAD_COLUMNS], rows) if rows else ""


def _with_latencies(workload: Workload, runs: Runs) -> list[str]:
    labels = [entrant.label for entrant in workload.entrants]
    return [label for label in labels if any(run.latencies is not None for run in runs.of(workload.name, label))]


def _milliseconds(workload: str, label: str, percentiles: Sequence[str], runs: Runs) -> list[str]:
    """The medians of these percentiles."""
    found = [run.latencies for run in runs.counted(workload, label) if run.latencies is not None]
    columns = [Spread.of(getattr(each, name) for each in found) for name in percentiles]
    return [ABSENT if column is None else f"{column.median:.2f}" for column in columns]


def _valid(workload: str, label: str, runs: Runs) -> str:
    return f"{len(runs.counted(workload, label))} of {len(runs.of(workload, label))}"


def _memory(workloads: list[Workload], runs: Runs) -> str:
    contestants = {
        (workload.name, entrant.label): entrant.contestant for workload in workloads for entrant in workload.entrants
    }
    hot: dict[str, float] = {}
    every: dict[str, float] = {}
    for run in runs.all:
        name, size = contestants[run.workload, run.contestant], run.rss_kib / KIB_PER_MIB
        if size:
            every[name] = max(size, every.get(name, 0.0))
            if is_hot(run.workload):
                hot[name] = max(size, hot.get(name, 0.0))
    rows = [[name, f"{hot[name]:,.0f}" if name in hot else ABSENT, f"{most:,.0f}"] for name, most in every.items()]
    if not rows:
        return ""
    return (
        "## Memory\n\nResident MiB of a contestant's own processes, right after a run: Webdis with its Redis, the others "
        "without PostgreSQL. Both Java baselines are one process. Uploads, which let the heap of a JVM grow, come "
        "after the single increments on a hot counter.\n\n"
        + _table(["", "maximum after single increments on a hot counter", "maximum after any run"], rows)
    )


def _not_counted(runs: Runs) -> str:
    rows = [
        (run.workload, run.contestant, str(run.repetition), f"{run.per_second:,.0f}", " ".join(run.why_not.split())[:200])
        for run in runs.all
        if not run.counted
    ]
    if not rows:
        return "## Invalid runs\n\nNone: in every run, the stored sum matches the acknowledged one.\n"
    return "## Invalid runs\n\n" + _table(["workload", "contestant", "repetition", "per second", "reason"], rows)


def _method(facts: Facts) -> str:
    return (
        "## Method\n\n"
        "- All contestants and load generators run on this machine all the time; one contestant at a time is under load. "
        "Repetitions visit the contestants forwards and backwards. PostgreSQL makes a checkpoint before each run.\n"
        "- Load over HTTP is wrk with one thread, a closed loop; `open-loop` and `small-loads` have a constant rate "
        "instead.\n"
        "- After each run, the comparison reads the stored sum. It must be at least the acknowledged sum. It may exceed it by "
        "one for each connection, since wrk stops with one request in flight on each. With keys, the sum is the number of "
        "keys that were used, minus at most one for each connection. For uploads and constant rates, both sums are equal. "
        "A run with another sum or with any error is invalid. An audit of Tally follows each workload.\n"
        "- pgbench and redis-benchmark have no service in front: they show upper limits. redis-benchmark with pipelines "
        f"uses {CONNECTIONS} connections, an upload uses one.\n"
        "- All counters exist before a run, with the value 0; those of Tally are as its `PUT` creates them.\n"
    )


# The columns of the short table, with the labels that each may show.
_COLUMNS = {
    field.TALLY: (field.TALLY, MINIMAL),
    field.WEBDIS_ALWAYS: (field.WEBDIS_ALWAYS,),
    field.WEBDIS_EVERYSEC: (field.WEBDIS_EVERYSEC,),
    field.LANES_OFF: (field.LANES_OFF,),
    field.DJANGO: (field.DJANGO,),
    field.PGBENCH: (field.PGBENCH,),
    field.NO_DATABASE: (field.NO_DATABASE,),
    field.REDIS_BENCHMARK: (field.REDIS_BENCHMARK, PIPELINED),
}


_SMALL_LOAD_COLUMNS = (field.TALLY, field.WEBDIS_ALWAYS, field.WEBDIS_EVERYSEC, field.LANES_OFF)


def _compact(workloads: list[Workload], runs: Runs) -> str:
    """A row per workload, with a column per contestant."""
    rows = []
    for workload in workloads:
        if workload.name == OPEN_LOOP:
            figures = [p99(runs, label) for label in _COLUMNS]
            middles = [ABSENT if figure is None else f"{figure:.1f} ms" for figure in figures]
            rows.append(["p99 at half of each one's maximum", *middles])
        elif workload.has_constant_rate:
            # In a table of its own.
            continue
        elif workload.reference in _COLUMNS[field.TALLY]:
            # If a workload has both labels, the last: uploads with a summary.
            rows.append([workload.title, *(_median(workload, reversed(labels), runs) for labels in _COLUMNS.values())])
        else:
            # Variants of one contestant: a row for each.
            rows += [
                [f"{workload.title}: {entrant.label}", _median(workload, [entrant.label], runs), *[ABSENT] * (len(_COLUMNS) - 1)]
                for entrant in workload.entrants
            ]
    return _table(["per second", *_COLUMNS], rows)


def _median(workload: Workload, labels: Iterable[str], runs: Runs) -> str:
    found = (runs.per_second(workload.name, label) for label in labels)
    return next((f"{spread.median:,.0f}" for spread in found if spread is not None), ABSENT)
