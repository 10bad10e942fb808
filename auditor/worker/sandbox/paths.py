"""What a worker must reach besides its own files: Python, its packages, facts of the machine.

Never `/proc` itself, where other processes' memory and environment are, nor all of `/proc/self`,
where the machine's network is.
"""

import sys
from pathlib import Path

import auditor

_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/random",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
)
_OWN = (
    "cgroup",
    "cmdline",
    "comm",
    "fd",
    "fdinfo",
    "limits",
    "maps",
    "mountinfo",
    "mounts",
    "numa_maps",
    "smaps",
    "smaps_rollup",
    "stat",
    "statm",
    "status",
)


def system() -> list[Path]:
    """Return what every worker may read.

    Of a checkout that is installed in place only the package itself: the rest is the user's.
    """
    package = Path(auditor.__file__).parent
    imported = [Path(entry) for entry in sys.path if entry]
    packages = [path for path in imported if path != package.parent or "packages" in path.name]
    own = [Path("/proc/self") / name for name in _OWN]
    return [Path(sys.prefix), Path(sys.base_prefix), package, *packages, *map(Path, _SYSTEM), *own]
