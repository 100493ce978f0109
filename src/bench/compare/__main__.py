"""Runs the comparison: see ../run."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import FrameType

from .comparison import Comparison
from .modes import FULL, SHORT, SMOKE, Mode
from .processes import Failed

DIRECTORY = Path("/var/tmp")
OUT = Path(__file__).resolve().parents[3] / "target" / "bench"
POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="src/bench/run", description="Compares Tally with its alternatives.")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--short", dest="mode", action="store_const", const=SHORT, help="about ten minutes")
    modes.add_argument("--smoke", dest="mode", action="store_const", const=SMOKE, help="a test without valid figures")
    parser.add_argument(
        "--only",
        metavar="WORKLOAD,…",
        help="names of workloads, or their beginnings: hot, slow-hot-64, small-loads, …",
    )
    parser.add_argument("--repetitions", type=int, metavar="N")
    parser.add_argument("--seconds", type=float, metavar="S", help="the duration of each run")
    parser.add_argument("--warm-up", type=float, metavar="S", help="the warm-up time of Tally")
    parser.add_argument("--postgres-bin", type=Path, default=POSTGRES_BIN, metavar="DIR", help="PostgreSQL's programs")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, metavar="DIR", help="on the disk to measure")
    parser.set_defaults(mode=FULL)
    return parser.parse_args()


def _mode(arguments: argparse.Namespace) -> Mode:
    mode: Mode = arguments.mode
    if arguments.repetitions is not None:
        mode = replace(mode, repetitions=arguments.repetitions)
    if arguments.seconds is not None:
        mode = replace(mode, seconds=arguments.seconds)
    if arguments.warm_up is not None:
        mode = replace(mode, warm_up_seconds=arguments.warm_up, later_warm_up_seconds=arguments.warm_up)
    return mode


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    arguments = _arguments()
    # As root, this runs PostgreSQL as another user, which needs access to its directory.
    os.umask(0o022)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _end)
    directory = Path(tempfile.mkdtemp(prefix="tally-bench-", dir=arguments.directory))
    directory.chmod(0o755)
    try:
        only = arguments.only.split(",") if arguments.only else []
        comparison = Comparison(_mode(arguments), only, arguments.postgres_bin, directory, OUT)
        return 0 if comparison.run() else 1
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
