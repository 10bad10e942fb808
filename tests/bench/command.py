"""The command line, as a user runs it, on a network of the bench."""

import subprocess
import sys
from collections.abc import Collection

from tests.bench.models import Model


def bdaudit(name: str, model: Model, *words: object, ends: Collection[int]) -> int:
    """Run a command on a network and the images that it was not trained on.

    Args:
        name: The command.
        model: The network.
        words: The rest of the command line.
        ends: Exit codes that it may end in; another one ends the bench.
    """
    line = [sys.executable, "-m", "auditor", name, model.path, "--data", model.data, "-q", *words]
    ran = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)
    if ran.returncode not in ends:
        raise SystemExit(f"{model.name}: {ran.stderr}")
    return ran.returncode
