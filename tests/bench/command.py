"""The command line, as a user runs it, on a network of the bench."""

from collections.abc import Collection

from tests import command
from tests.bench.models import Model

SECONDS = 3600
"""That a command may take."""


def bdaudit(name: str, model: Model, *words: object, ends: Collection[int]) -> int:
    """Run a command on a network and the images that it was not trained on.

    Args:
        name: The command.
        model: The network.
        words: The rest of the command line.
        ends: Exit codes that it may end in; another one ends the bench.
    """
    line = (name, model.path, "--data", model.data, "-q", *words)
    code, _, err = command.run([*map(str, line)], None, {}, SECONDS)
    if code not in ends:
        raise SystemExit(f"{model.name}: {err.decode()}")
    return code
