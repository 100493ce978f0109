"""The sequence of a comparison: start the servers, warm up, run the workloads, report."""

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import machine, report
from .contestants import BENCH, Contestant, Counters, HttpContestant, Java, Tally
from .field import LANES_OFF, NO_DATABASE, SHARDED, TALLY, TALLY_LARGE, Field
from .load import Load, Target, Upload, Wrk
from .modes import Mode
from .processes import Failed, run
from .report import Facts
from .runs import Run, Runs
from .trial import measure
from .workloads import (
    CONNECTIONS,
    HOT,
    KEYED,
    LARGE,
    SHARDS,
    SLOW,
    TEN_THOUSAND,
    USUAL,
    Entrant,
    Workload,
    workloads,
)

SLOW_FSYNC_MICROS = 2_000

# The share of Tally's warm-up time for each contestant: JIT-compiled programs need the most.
WARM_UP_SHARES = {
    **dict.fromkeys((TALLY, TALLY_LARGE, *SHARDED.values()), 1.0),
    **dict.fromkeys((LANES_OFF, NO_DATABASE), 0.4),
}
WARM_UP_SHARE = 0.02
# The first responses of a cold JVM take this long.
WARM_UP_SECONDS_MIN = 0.5


class Comparison:
    def __init__(self, mode: Mode, only: list[str], postgres_bin: Path, directory: Path, out: Path) -> None:
        self.mode = mode
        self._postgres_bin = postgres_bin
        self._directory = directory
        self._out = out
        self._begin = time.monotonic()
        self._machine = machine.look(directory)
        self._commit = machine.commit(BENCH)
        self._java = Java(directory)
        self.runs = Runs()
        latencies = out / "latency"
        every = workloads(mode, self._java, self.runs, latencies)
        self.workloads = [each for each in every if self._is_chosen(each, only)]
        if not self.workloads:
            raise Failed(f"unknown workload; allowed: {', '.join(each.name for each in every)}")
        self._only = only
        self._prepared: set[tuple[str, str]] = set()
        self._contestants: dict[str, Contestant] = {}
        self._versions: dict[str, str] = {}
        self._slow_syncs_per_second: float | None = None
        self._audit_share: float | None = None
        # Removes the reports of earlier runs.
        shutil.rmtree(latencies, ignore_errors=True)
        for old in (*out.glob("*.svg"), out / "report.md", out / "table.md", out / "runs.csv"):
            old.unlink(missing_ok=True)

    def _is_chosen(self, workload: Workload, only: list[str]) -> bool:
        if only:
            return workload.name.startswith(tuple(only))
        return self.mode.has_long_rows or self.mode.means_nothing or not workload.is_long

    def run(self) -> bool:
        """Returns whether all runs are valid."""
        for kind in (USUAL, SLOW, LARGE, SHARDS):
            chosen = [workload for workload in self.workloads if workload.servers == kind]
            if not chosen:
                continue
            try:
                self._run_on(kind, chosen)
            finally:
                self._write()
        return all(run.counted for run in self.runs.all)

    def _write(self) -> None:
        """Writes the report after each set of servers, so that a later failure loses little."""
        facts = Facts(
            mode=self.mode,
            machine=self._machine,
            slow_syncs_per_second=self._slow_syncs_per_second,
            versions={**machine.versions(), **self._versions},
            commit=self._commit,
            contestants=list(self._contestants.values()),
            minutes=(time.monotonic() - self._begin) / 60,
            audit_share=self._audit_share,
            only=self._only,
        )
        self.runs.write(self._out / "runs.csv")
        report.write(facts, self.workloads, self.runs, self._out)

    def _run_on(self, kind: str, chosen: list[Workload]) -> None:
        names = {entrant.contestant for workload in chosen for entrant in self._entrants(workload)}
        directory = self._directory / kind.replace(" ", "-")
        directory.mkdir()
        preload = self._slow_disk() if kind == SLOW else {}
        self._say(f"{kind}: starting {', '.join(sorted(names))}")
        with Field(names, self._java, self._postgres_bin, directory, preload) as field:
            self._prepared.clear()
            self._contestants = {**field.contestants, **self._contestants}
            self._versions = {"PostgreSQL": field.postgres.version()}
            seconds = self.mode.slow_warm_up_seconds if kind == SLOW else self.mode.warm_up_seconds
            for contestant in field.contestants.values():
                if isinstance(contestant, HttpContestant):
                    self._warm_up(contestant, seconds * WARM_UP_SHARES.get(contestant.name, WARM_UP_SHARE), directory)
            for workload in chosen:
                self._run_workload(workload, field, directory)

    def _slow_disk(self) -> dict[str, str]:
        # Not below the clone, since the user of PostgreSQL may lack access to it.
        library = self._directory / "slow_fsync.so"
        run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(BENCH / "slow_fsync.c"), "-ldl"])
        preload = {"LD_PRELOAD": str(library), "SLOW_FSYNC_MICROS": str(SLOW_FSYNC_MICROS)}
        self._slow_syncs_per_second = machine.syncs_per_second(self._directory, preload)
        return preload

    def _warm_up(self, contestant: HttpContestant, seconds: float, directory: Path) -> None:
        self._say(f"warming up {contestant.name}")
        self._prepare(contestant, HOT)
        self._prepare(contestant, TEN_THOUSAND)
        hot = Target(contestant, HOT, CONNECTIONS, directory)
        spread = Target(contestant, TEN_THOUSAND, CONNECTIONS, directory)

        def warm(load: Load, target: Target, share: float) -> None:
            load.run(target, max(WARM_UP_SECONDS_MIN, seconds * share))

        if isinstance(contestant, Tally):
            self._prepare(contestant, KEYED)
            warm(Wrk(replayed_percent=10), Target(contestant, KEYED, CONNECTIONS, directory), 0.2)
            Upload(minimal=True).prepare(spread, WARM_UP_SECONDS_MIN)
        warm(Wrk(), spread, 0.2)
        warm(Wrk(reads=True), hot, 0.15)
        warm(Wrk(), hot, 0.45)

    def _prepare(self, contestant: Contestant, counters: Counters) -> None:
        made = (contestant.name, counters.group)
        if made not in self._prepared:
            contestant.prepare(counters)
            self._prepared.add(made)

    def _entrants(self, workload: Workload) -> list[Entrant]:
        return [each for each in workload.entrants if not self.mode.leaves_out(workload.name, each.label)]

    def _prepare_all(self, workload: Workload, field: Field) -> None:
        # Of the counters of one group, the smaller ones are parts of the largest, which comes last and stays.
        every = [(entrant.contestant, entrant.counters or workload.counters) for entrant in self._entrants(workload)]
        wanted = {(name, each.group): each for name, each in sorted(every, key=lambda entry: entry[1].size)}
        with ThreadPoolExecutor() as threads:
            made = [
                threads.submit(self._prepare, field.contestants[name], counters)
                for (name, _), counters in wanted.items()
            ]
        for each in made:
            each.result()

    def _run_workload(self, workload: Workload, field: Field, directory: Path) -> None:
        self._prepare_all(workload, field)
        targets: list[tuple[Entrant, Target]] = []
        for entrant in self._entrants(workload):
            contestant = field.contestants[entrant.contestant]
            counters = entrant.counters or workload.counters
            target = Target(contestant, counters, entrant.connections or workload.connections, directory)
            entrant.load.prepare(target, self.mode.seconds)
            targets.append((entrant, target))
        begin, audited = time.monotonic(), _audit_seconds(field)
        for repetition in range(1, self.mode.repetitions + 1):
            # Alternates the order, so that no contestant always runs after the same one.
            for entrant, target in targets if repetition % 2 else reversed(targets):
                field.postgres.checkpoint()
                self._add(measure(workload, entrant, target, repetition, self.mode.seconds))
        audited = _audit_seconds(field) - audited
        # A short run may fall between two audits and then has no share.
        if audited > 0:
            self._audit_share = audited / (time.monotonic() - begin)
        self._audit(workload, targets)

    def _audit(self, workload: Workload, targets: list[tuple[Entrant, Target]]) -> None:
        for entrant, target in targets:
            try:
                target.contestant.audit()
            except (Failed, OSError) as failure:
                self.runs.discard(workload.name, [entrant.label], f"audit: {failure}")

    def _add(self, run: Run) -> None:
        self.runs.add(run)
        verdict = "" if run.counted else f"   INVALID: {run.why_not}"
        self._say(f"{run.workload:14} {run.contestant:24} {run.repetition}  {run.per_second:10,.0f}/s{verdict}")

    def _say(self, text: str) -> None:
        print(f"bench {time.monotonic() - self._begin:6.1f} s  {text}", file=sys.stderr, flush=True)


def _audit_seconds(field: Field) -> float:
    large = field.contestants.get(TALLY_LARGE)
    return large.audit_seconds() if isinstance(large, Tally) else 0.0
