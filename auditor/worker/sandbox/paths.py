"""What a worker must reach besides its own files: Python, its packages, facts of the machine.

Never `/proc` itself, where other processes' memory and environment are.
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
    "/proc/self",
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


def system() -> list[Path]:
    """Return what every worker may read.

    Of a checkout that is installed in place only the package itself: the rest is the user's.
    """
    package = Path(auditor.__file__).parent
    imported = [Path(entry) for entry in sys.path if entry]
    packages = [path for path in imported if path != package.parent or "packages" in path.name]
    return [Path(sys.prefix), Path(sys.base_prefix), package, *packages, *map(Path, _SYSTEM)]
