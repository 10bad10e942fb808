"""Paths as a record shows them: it may be published, and says nothing of its author's machine.

What lies under the working folder is named from there, all else by its last name.
"""

import os
import re
import shlex
from pathlib import Path

_PATH = re.compile(r"(?P<before>--[a-z-]+=|)(?P<path>(?:/|~|\.\./).*)", re.DOTALL)


def shown_path(path: str | Path) -> str:
    """Return a path from the working folder, or its last name where it lies elsewhere."""
    text = str(path)
    if not (text.startswith(("/", "~")) or ".." in Path(text).parts):
        return text
    inside = os.path.relpath(text)  # links stay as they are named
    is_elsewhere = text.startswith("~") or Path(inside).parts[:1] == ("..",)
    return Path(text).name or text if is_elsewhere else inside


def shown_command(command: str) -> str:
    """Return a command line, each path in it as `shown_path` has it."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return shlex.join(map(_shown_word, words))


def _shown_word(word: str) -> str:
    found = _PATH.fullmatch(word)
    if found is None:
        return word
    path, mark, trigger = found["path"].partition("#")
    return f"{found['before']}{shown_path(path)}{mark}{trigger}"
