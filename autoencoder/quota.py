"""How many threads are worth it where a container grants a quota of the processors' time.

torch starts one for each core that it sees, and a container shows all cores of the machine. Threads
that use the quota up stand still together for the rest of each period, 100 ms: with a quota of one
core, an epoch takes 10.2 s in two threads and 7.3 s in one.
"""

import contextlib
import math
import os
from pathlib import Path

import torch

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def limit_threads() -> None:
    """Have torch compute in as many threads as the quota feeds, unless the user gives a number."""
    cores = granted_cores()
    if cores < torch.get_num_threads() and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, round(cores)))


def granted_cores() -> float:
    """The quota of this process in cores, infinite where there is none, as outside Linux.

    The smallest counts among those of its control groups and the groups around them, in either
    version of Linux's interface (cgroups(7)).
    """
    try:
        groups = [line.split(":", 2) for line in OWN_CGROUPS.read_text().splitlines()]
    except OSError:
        return math.inf
    folders = set[Path]()
    for _, controllers, path in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 2 names no controllers, and has a folder of its own where version 1 is there too.
        for mounted in (CGROUPS / controllers, CGROUPS / ("cpu" if controllers else "unified")):
            # A container may see its own group as the root, whatever path the machine has for it.
            names = Path(path).parts[1:]
            folders |= {mounted.joinpath(*names[:depth]) for depth in range(len(names) + 1)}
    return min(map(quota_of, folders), default=math.inf)


def quota_of(folder: Path) -> float:
    """The quota of a control group in cores; infinite where it has none."""
    for files in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            # A quota that is no limit is "max" or -1.
            quota, period = (int(n) for file in files for n in (folder / file).read_text().split())
            if quota > 0:
                return quota / period
    return math.inf
