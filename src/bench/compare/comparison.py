"""The sequence of a comparison: start the servers, warm up, run the workloads, report."""

import shutil
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import machine, report, warm_up
from .contestants import BENCH, Contestant, Counters, Java, Tally
from .estimate import estimate
from .field import PGBENCH, REDIS_BENCHMARK, TALLY_LARGE, Field
from .load import Load, Target, Upload
from .modes import Mode
from .processes import Failed, run
from .report import Facts
from .runs import Run, Runs
from .trial import measure
from .workloads import CONNECTIONS, SERVERS, SLOW, USUAL, Entrant, Workload, workloads

SLOW_FSYNC_MICROS = 2_000


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
        self.workloads = self._chosen(workloads(mode, self._java, self.runs, latencies), only)
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

    def _chosen(self, every: list[Workload], only: list[str]) -> list[Workload]:
        """Each word chooses the workload with that name, or else those whose names begin with it."""
        if not only:
            takes_long = self.mode.has_long_rows or self.mode.means_nothing
            return [each for each in every if takes_long or not each.is_long]
        names: set[str] = set()
        for word in only:
            found = [each.name for each in every if word and each.name.startswith(word)]
            if not found:
                raise Failed(f"unknown workload {word!r}; allowed: {', '.join(each.name for each in every)}")
            names.update([word] if word in found else found)
        return [each for each in every if each.name in names]

    def run(self) -> bool:
        """Returns whether all runs are valid."""
        self._say(f"estimate: {estimate(self.mode, self.workloads, self._entrants, self._warm_up_parts)}")
        for kind in SERVERS:
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
            parts = self._warm_up_parts(chosen)
            self._warm_up([part for part in parts if not part.is_upload], chosen, field, directory)
            uploads = [part for part in parts if part.is_upload]
            for workload in chosen:
                if any(isinstance(entrant.load, Upload) for entrant in self._entrants(workload)):
                    self._warm_up(uploads, chosen, field, directory)
                    uploads = []
                self._run_workload(workload, field, directory)

    def _slow_disk(self) -> dict[str, str]:
        # Not below the clone, since the user of PostgreSQL may lack access to it.
        library = self._directory / "slow_fsync.so"
        run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(BENCH / "slow_fsync.c"), "-ldl"])
        preload = {"LD_PRELOAD": str(library), "SLOW_FSYNC_MICROS": str(SLOW_FSYNC_MICROS)}
        self._slow_syncs_per_second = machine.syncs_per_second(self._directory, preload)
        return preload

    def _warm_up_parts(self, chosen: list[Workload]) -> list[warm_up.Part]:
        """The warm-up of all contestants with an HTTP API; the others have no process of their own."""
        loads: dict[str, list[tuple[Load, Counters]]] = {}
        for workload in chosen:
            for entrant in self._entrants(workload):
                if entrant.contestant not in (PGBENCH, REDIS_BENCHMARK):
                    counters = entrant.counters or workload.counters
                    loads.setdefault(entrant.contestant, []).append((entrant.load, counters))
        is_first = chosen[0].servers == USUAL
        seconds = self.mode.warm_up_seconds if is_first else self.mode.later_warm_up_seconds
        return [part for name, its_loads in loads.items() for part in warm_up.parts(name, its_loads, seconds)]

    def _warm_up(
        self, parts: list[warm_up.Part], chosen: list[Workload], field: Field, directory: Path
    ) -> None:
        largest = _largest(entry for workload in chosen for entry in self._counters(workload))
        for part in parts:
            contestant = field.contestants[part.contestant]
            self._say(f"warming up {contestant.name}: {part.kind}, {part.seconds:.1f} s")
            self._prepare(contestant, largest[contestant.name, part.counters.group])
            part.run(Target(contestant, part.counters, CONNECTIONS, directory))

    def _prepare(self, contestant: Contestant, counters: Counters) -> None:
        made = (contestant.name, counters.group)
        if made not in self._prepared:
            contestant.prepare(counters)
            self._prepared.add(made)

    def _entrants(self, workload: Workload) -> list[Entrant]:
        return [each for each in workload.entrants if not self.mode.leaves_out(workload.name, each.label)]

    def _counters(self, workload: Workload) -> list[tuple[str, Counters]]:
        return [(entrant.contestant, entrant.counters or workload.counters) for entrant in self._entrants(workload)]

    def _prepare_all(self, workload: Workload, field: Field) -> None:
        with ThreadPoolExecutor() as threads:
            made = [
                threads.submit(self._prepare, field.contestants[name], counters)
                for (name, _), counters in _largest(self._counters(workload)).items()
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


def _largest(every: Iterable[tuple[str, Counters]]) -> dict[tuple[str, str], Counters]:
    """By contestant and group. Of the counters of one group, the smaller ones are parts of the largest."""
    return {(name, each.group): each for name, each in sorted(every, key=lambda entry: entry[1].size)}


def _audit_seconds(field: Field) -> float:
    large = field.contestants.get(TALLY_LARGE)
    return large.audit_seconds() if isinstance(large, Tally) else 0.0
