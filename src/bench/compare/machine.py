"""The machine of the comparison."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed, run

# Repeatedly appends a block and syncs it to the disk: {file} {seconds}.
_SYNC_PROGRAM = """
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600)
begin, count = time.monotonic(), 0
while time.monotonic() - begin < float(sys.argv[2]):
    os.pwrite(file, b"x" * 8192, 0)
    os.fdatasync(file)
    count += 1
print(count / (time.monotonic() - begin))
"""
SYNC_SECONDS = 1.0

_PACKAGES = ["postgresql-15", "redis-server", "webdis", "wrk", "python3-django", "gunicorn", "python3-psycopg2"]


@dataclass(frozen=True)
class Machine:
    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    system: str
    file_system: str
    syncs_per_second: float


def look(directory: Path) -> Machine:
    """The machine and the file system of the directory; fails if that is in memory."""
    kind = run(["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(directory)]).strip()
    if kind in ("tmpfs", "ramfs"):
        raise Failed(f"{directory} is in memory ({kind}), where a commit is not durable: use a directory on a disk")
    cpu_info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in cpu_info if line.startswith("model name")), "unknown")
    return Machine(
        cpu=model,
        cores=len(os.sched_getaffinity(0)),
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        kernel=platform.release(),
        system=platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        file_system=kind,
        syncs_per_second=syncs_per_second(directory, {}),
    )


def syncs_per_second(directory: Path, environment: Mapping[str, str]) -> float:
    """The number of durable block writes per second."""
    file = directory / "sync"
    command = [sys.executable, "-c", _SYNC_PROGRAM, str(file), str(SYNC_SECONDS)]
    try:
        return float(run(command, environment))
    finally:
        file.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """The versions of the Debian packages."""
    told = run(["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *_PACKAGES])
    return dict(line.split(" ", 1) for line in told.splitlines())


def commit(directory: Path) -> str:
    """What is measured, as git calls it."""
    try:
        return run(["git", "-C", str(directory), "describe", "--always", "--dirty", "--abbrev=12"]).strip()
    except (Failed, OSError):
        return "unknown"


def busy_seconds() -> float:
    """What all processors together have worked since the machine was started."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
