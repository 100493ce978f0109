"""Load generators: each puts load on a contestant for some time and returns the acknowledged operations."""

import json
import math
import os
import random
import re
import signal
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .contestants import BENCH, Contestant, Counters, HttpContestant, Java, PgBench, RedisBenchmark, Tally
from .processes import POLL_SECONDS, UNTRANSLATED, Failed
from .runs import Latencies, Outcome, Runs

UNIFORM = "uniform"
ZIPF = "zipf"

# The duration for a load generator that a signal stops earlier.
FOREVER_SECONDS = 3600
# Not part of the measured time: a generator may open many connections before its run begins.
BEGIN_SECONDS_MAX = 300.0
END_SECONDS_MAX = 60.0

# Count a response as an error only after this time. The default of wrk is 2 s, and 256 connections to one slow row come
# near that.
WRK_TIMEOUT = "10s"

# In a shorter run, a pause of 50 ms would exceed 1 % of the time.
OPEN_LOOP_SECONDS_MIN = 5
# A shorter run with a small rate would have no thousandth of its requests.
OPEN_LOOP_REQUESTS_MIN = 1_000

JVM_START_SECONDS = 1.0

# The operations of the first, calibrating run of a generator that needs a number of operations.
PROBE_LINES = 50_000
PROBE_REQUESTS = 2_000
LINES_MAX = 3_000_000

# A distribution of about 1/k; pgbench accepts no smaller value.
PGBENCH_ZIPF = 1.001


@dataclass(frozen=True)
class Target:
    """The contestant under load, and its counters."""

    contestant: Contestant
    counters: Counters
    connections: int
    directory: Path  # for files of the load generator


class Load(ABC):
    def prepare(self, target: Target, seconds: float) -> None:
        """Prepares the first run, such as by a calibration."""

    @abstractmethod
    def run(self, target: Target, seconds: float) -> Outcome:
        """Puts load on it for about that time."""

    def run_seconds(self, seconds: float) -> float:
        """How long a run takes, by estimate."""
        return seconds


def _start(command: list[str], directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **UNTRANSLATED},
        cwd=directory,
        start_new_session=True,
    )


def _output(command: list[str], process: subprocess.Popen[str], seconds_max: float) -> str:
    try:
        output, _ = process.communicate(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} did not end") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise Failed(f"{command[0]} ended with {process.returncode}: {output.strip()[-500:]}")
    return output


def _run_for(
    command: list[str],
    directory: Path,
    seconds: float,
    end: signal.Signals,
    has_begun: Callable[[], bool] = lambda: True,
) -> str:
    """Runs a generator for a fraction of a second: a signal stops it, since it accepts only whole seconds.

    The time begins when the generator has begun its run.
    """
    process = _start(command, directory)
    try:
        deadline = time.monotonic() + BEGIN_SECONDS_MAX
        while process.poll() is None and not has_begun():
            if time.monotonic() > deadline:
                raise Failed(f"{command[0]} did not begin its run within {BEGIN_SECONDS_MAX:.0f} s")
            time.sleep(POLL_SECONDS)
        time.sleep(seconds)
        process.send_signal(end)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return _output(command, process, END_SECONDS_MAX)


def _found(pattern: str, text: str, otherwise: str | None = None) -> str:
    """The first group of the pattern in the text."""
    match = re.search(pattern, text)
    if match is not None:
        return match.group(1)
    if otherwise is None:
        raise Failed(f"no {pattern!r} in: {text.strip()[-500:]}")
    return otherwise


@dataclass(frozen=True)
class Wrk(Load):
    """wrk with one thread: each connection sends its next request after the response to the one before."""

    skew: str = UNIFORM
    reads: bool = False
    replayed_percent: int | None = None  # None: no idempotency keys
    scripted: bool = False  # Lua for every request, also where all are the same

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, HttpContestant)
        asked = (contestant.reads if self.reads else contestant.increments)(target.counters)
        same = target.counters.size == 1 and self.replayed_percent is None and not self.scripted
        command = ["wrk", "-t1", f"-c{target.connections}", f"-d{FOREVER_SECONDS}s", "--timeout", WRK_TIMEOUT]
        if same:
            command += ["-s", str(BENCH / "wrk" / "one.lua"), contestant.url + asked.to(1), "--", asked.method]
        else:
            command += ["-s", str(BENCH / "wrk" / "many.lua"), contestant.url, "--", asked.method, asked.head, asked.tail]
            command += [str(target.counters.size), self.skew, *self._keys()]
        output = _run_for(command, target.directory, seconds, signal.SIGINT)
        return self._outcome(output, target.connections)

    def _keys(self) -> list[str]:
        return ["-", "0"] if self.replayed_percent is None else [uuid.uuid4().hex, str(self.replayed_percent)]

    def _outcome(self, output: str, connections: int) -> Outcome:
        answered = int(_found(r"(\d+) requests in", output))
        given = int(_found(r"given (\d+)", output, str(answered)))
        refused = int(_found(r"Non-2xx or 3xx responses: (\d+)", output, "0"))
        broken = _found(r"Socket errors: (.*)", output, "")
        errors = refused + sum(int(number) for number in re.findall(r"\d+", broken))
        per_second = float(_found(r"Requests/sec:\s+([\d.]+)", output))
        if answered == 0:
            raise Failed("wrk got no response")
        seconds = answered / per_second
        # In some runs on Webdis, wrk counts a few more responses than requests; the surplus is ignored.
        answered = min(answered, given)
        # When it stops, wrk leaves one request of each connection unanswered, which may have been applied or not.
        if self.reads:
            least, most = 0, 0
        elif self.replayed_percent is None:
            least, most = answered - refused, answered + connections
        else:
            fresh = int(_found(r"fresh (\d+)", output))
            least, most = fresh - connections, fresh
        return Outcome(answered, seconds, errors, least, most, self._latencies(output))

    @staticmethod
    def _latencies(output: str) -> Latencies | None:
        """Of one.lua. wrk adds the requests that a pause kept from being sent."""
        found = re.search(r"^latency (\d+) (\d+) (\d+) (\d+) (\d+)$", output, re.MULTILINE)
        if found is None:
            return None
        p50, p90, p99, p999, most = (int(micros) / 1_000 for micros in found.groups())
        return Latencies(None, p50, p90, p99, p999, most, None)


@dataclass(frozen=True)
class WrkWithRefusals(Load):
    """Like Wrk, on each counter in turn; responses that a maximum refuses are valid. Lua sees every response."""

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, HttpContestant)
        asked = contestant.increments(target.counters)
        script = str(BENCH / "wrk" / "refused.lua")
        command = ["wrk", "-t1", f"-c{target.connections}", f"-d{FOREVER_SECONDS}s", "--timeout", WRK_TIMEOUT]
        command += ["-s", script, contestant.url, "--", asked.head, asked.tail, str(target.counters.size)]
        output = _run_for(command, target.directory, seconds, signal.SIGINT)
        answered = int(_found(r"(\d+) requests in", output))
        applied = int(_found(r"applied (\d+)", output))
        refused = int(_found(r"refused (\d+)", output))
        broken = _found(r"Socket errors: (.*)", output, "")
        errors = answered - applied - refused + sum(int(number) for number in re.findall(r"\d+", broken))
        if answered == 0:
            raise Failed("wrk got no response")
        took = answered / float(_found(r"Requests/sec:\s+([\d.]+)", output))
        return Outcome(answered, took, errors, applied, applied + target.connections)


@dataclass(frozen=True)
class OpenLoop(Load):
    """A constant rate on one counter, independent of the responses."""

    java: Java
    warm_up_seconds: int
    out: Path

    @abstractmethod
    def rate(self, target: Target) -> int:
        """Requests a second."""

    def measured_seconds(self, seconds: float) -> int:
        return max(OPEN_LOOP_SECONDS_MIN, math.ceil(seconds))

    def run_seconds(self, seconds: float) -> float:
        return self.warm_up_seconds + self.measured_seconds(seconds) + JVM_START_SECONDS

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, HttpContestant)
        asked = contestant.increments(target.counters)
        self.out.mkdir(parents=True, exist_ok=True)
        distribution = self.out / f"{contestant.name.replace(' ', '-')}-{uuid.uuid4().hex[:8]}.hgrm"
        rate, measured_seconds = self.rate(target), self.measured_seconds(seconds)
        options: dict[str, object] = {
            "--url": contestant.url + asked.to(1),
            "--method": asked.method,
            "--rate": rate,
            "--connections": target.connections,
            "--warm-up": self.warm_up_seconds,
            "--seconds": measured_seconds,
            "--out": distribution,
        }
        command = self.java.bench("io.tally.bench.OpenLoop")
        command += [str(word) for pair in options.items() for word in pair]
        seconds_max = self.warm_up_seconds + measured_seconds + END_SECONDS_MAX
        output = _output(command, _start(command, target.directory), seconds_max)
        told = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
        latencies = Latencies(rate, told["p50"], told["p90"], told["p99"], told["p999"], told["max"], distribution)
        errors = told["failed"] + told["outstanding"]
        took = told["ok"] / told["achieved"] if told["ok"] else told["seconds"]
        return Outcome(told["ok"], took, errors, told["okAll"], told["okAll"], latencies)


@dataclass(frozen=True)
class HalfOfMaximum(OpenLoop):
    """Half of the contestant's own maximum on one hot counter."""

    runs: Runs
    maximum_workload: str
    measured: dict[str, float]

    def prepare(self, target: Target, seconds: float) -> None:
        name = target.contestant.name
        known = self.runs.per_second(self.maximum_workload, name)
        if known is not None:
            self.measured[name] = known.median
        else:
            outcome = Wrk().run(target, seconds)
            self.measured[name] = outcome.operations / outcome.seconds

    def rate(self, target: Target) -> int:
        return max(1, round(self.measured[target.contestant.name] / 2))


@dataclass(frozen=True)
class SmallLoad(OpenLoop):
    """The same rate for every contestant, far below its maximum."""

    requests_per_second: int

    def rate(self, target: Target) -> int:
        return self.requests_per_second

    def measured_seconds(self, seconds: float) -> int:
        return max(super().measured_seconds(seconds), math.ceil(OPEN_LOOP_REQUESTS_MIN / self.requests_per_second))


class Upload(Load):
    """One request with a line per increment, sent by curl; the response has a line per increment or a summary."""

    def __init__(self, minimal: bool) -> None:
        self._minimal = minimal
        self._lines = PROBE_LINES
        self._file: Path | None = None

    def prepare(self, target: Target, seconds: float) -> None:
        self._write(target, PROBE_LINES)
        outcome = self.run(target, seconds)
        rate = outcome.operations / outcome.seconds
        self._write(target, min(LINES_MAX, max(PROBE_LINES, round(rate * seconds))))

    def _write(self, target: Target, lines: int) -> None:
        group, size = target.counters.group, target.counters.size
        kinds = [f'{{"namespace":"{group}","name":"{number}","delta":1}}\n' for number in range(1, size + 1)]
        self._lines = lines
        self._file = target.directory / f"{group}{'-minimal' if self._minimal else ''}.ndjson"
        with self._file.open("w") as out:
            out.writelines(random.choices(kinds, k=lines))

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, Tally) and self._file is not None
        answer = target.directory / "answer"
        command = ["curl", "-sS", "-X", "POST", "-T", str(self._file), "-H", "Expect:", "-o", str(answer)]
        command += ["-H", "Content-Type: application/x-ndjson", "-w", "%{http_code} %{time_total}"]
        command += ["-H", "Prefer: return=minimal"] if self._minimal else []
        command.append(f"{contestant.url}/v1/increments")
        output = _output(command, _start(command, target.directory), FOREVER_SECONDS)
        status, elapsed = output.split()
        if status != "200":
            raise Failed(f"the upload got status {status}: {answer.read_text()[:300]}")
        applied = self._applied(answer)
        return Outcome(applied, float(elapsed), self._lines - applied, applied, applied)

    def _applied(self, answer: Path) -> int:
        if self._minimal:
            return int(json.loads(answer.read_text())["applied"])
        with answer.open() as lines:
            return sum('"problem"' not in line for line in lines)


@dataclass(frozen=True)
class PgBenchLoad(Load):
    """pgbench, one thread."""

    skew: str = UNIFORM

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, PgBench)
        size = target.counters.size
        script = target.directory / f"{target.counters.group}-{self.skew}.sql"
        table = contestant.table(target.counters)
        chosen = f"random_zipfian(1, {size}, {PGBENCH_ZIPF})" if self.skew == ZIPF else f"random(1, {size})"
        script.write_text(
            f"\\set id {chosen}\nupdate {table} set value = value + 1 where id = :id returning value;\n"
        )
        command = contestant.database.client(
            "pgbench",
            *("-n", "-M", "prepared", "-j", "1", "-c", str(target.connections), "-T", str(FOREVER_SECONDS)),
            *("-f", str(script)),
        )
        # pgbench opens its connections one after the other before its run begins, which takes seconds on a slow
        # machine. Its figures exclude that time. -T sets an alarm; an earlier alarm signal ends the run as well.
        with contestant.database.activity() as activity:
            activity.await_none()
            output = _run_for(command, target.directory, seconds, signal.SIGALRM, activity.has_updates)
        done = int(_found(r"transactions actually processed: (\d+)", output))
        failed = int(_found(r"failed transactions: (\d+)", output, "0"))
        if done == 0:
            # pgbench prints no rate then.
            raise Failed(f"pgbench executed no transaction: {output.strip()[-500:]}")
        per_second = float(_found(r"tps = ([\d.]+) \(without initial connection time\)", output))
        return Outcome(done, done / per_second, failed, done, done + target.connections)


class RedisBenchmarkLoad(Load):
    """redis-benchmark, which needs the number of requests."""

    def __init__(self, pipeline: int = 1) -> None:
        self._pipeline = pipeline
        self._requests = PROBE_REQUESTS * pipeline

    def prepare(self, target: Target, seconds: float) -> None:
        outcome = self.run(target, seconds)
        requests = round(outcome.operations / outcome.seconds * seconds)
        self._requests = max(target.connections * self._pipeline, requests)

    def run(self, target: Target, seconds: float) -> Outcome:
        contestant = target.contestant
        assert isinstance(contestant, RedisBenchmark)
        counters = target.counters
        command = ["redis-benchmark", "-p", str(contestant.port), "-c", str(target.connections), "--csv"]
        command += ["-P", str(self._pipeline), "-n", str(self._requests)]
        if counters.size == 1:
            command += ["INCR", contestant.key(counters, f"{1:012d}")]
        else:
            command += ["-r", str(counters.size), "INCR", contestant.key(counters, "__rand_int__")]
        output = _output(command, _start(command, target.directory), FOREVER_SECONDS)
        per_second = float(_found(r'"INCR[^"]*","([\d.]+)"', output))
        errors = len(re.findall("(?i)error", output))
        under_way = target.connections * self._pipeline
        return Outcome(
            self._requests, self._requests / per_second, errors, self._requests, self._requests + under_way
        )
