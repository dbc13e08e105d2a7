"""`python -m faults`: inject many faults and print what came of them.

    cd tests && python -m faults --seed 1 --kills 200 --disks 100 --crowds 40 --damage 1000 --fuzz 10000

The exit code is 1 where any outcome may not be.
"""

import argparse
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

from faults import crowds, damage, disks, fuzz, kills
from faults.world import build_world

ROUNDS = {
    "kills": (kills.inject, 200),
    "disks": (disks.inject, 100),
    "crowds": (crowds.inject, 40),
    "damage": (damage.inject, 1_000),
    "fuzz": (fuzz.inject, 10_000),
}
"""Kind of fault -> its injection and its usual number of rounds."""


def main() -> int:
    """Inject what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="faults", description="Inject faults into clearbench's commands and readers.")
    parser.add_argument("--seed", type=int, default=1, help="seed of all that is drawn (default: 1)")
    for name, (_, usual) in ROUNDS.items():
        parser.add_argument(f"--{name}", type=int, default=usual, metavar="ROUNDS", help=f"rounds (default: {usual:,})")
    arguments = parser.parse_args()
    print(f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory():.0f} GiB, Python {platform.python_version()}")
    num_failures = 0
    with tempfile.TemporaryDirectory(prefix="clearbench-faults-") as folder:
        world = build_world(Path(folder) / "world")
        for name, (inject, _) in ROUNDS.items():
            if rounds := getattr(arguments, name):
                tally = inject(world, arguments.seed, rounds)
                print("\n".join(tally.lines()), flush=True)
                num_failures += len(tally.failures)
    print(f"{num_failures:,} outcomes that may not be")
    return 1 if num_failures else 0


def memory() -> float:
    """Return the machine's memory in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
