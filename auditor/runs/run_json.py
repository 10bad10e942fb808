"""`run.json`: what a run directory's repair was started with, and how it stands."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from auditor.errors import InputError
from auditor.files.regular_file import read_regular
from auditor.files.strict_json import strict
from auditor.text import printable

NAME: Final = "run.json"
SCHEMA: Final = "bdaudit.run/v1"

RunState = Literal["running", "finished", "interrupted", "failed"]

_SHOWN: Final = 24
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class RunRecord:
    """What stands in `run.json`.

    Attributes:
        schema: Its version.
        created: When the run was started, UTC.
        identity: What must not change between a run and its resumption: JSON values by name.
        state: How the repair stands; `running` as well after a process that was killed.
    """

    schema: str
    created: str
    identity: dict[str, Any]
    state: RunState

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return json.dumps(asdict(self), indent=2, allow_nan=False).encode("ascii") + b"\n"


def read(folder: Path) -> RunRecord:
    """Read a folder's `run.json`.

    Raises:
        InputError: It is none.
        OSError: It cannot be read.
    """
    path = folder / NAME
    try:
        record = RunRecord(**strict(read_regular(path, _MOST_BYTES)))
    except (ValueError, TypeError, RecursionError) as error:
        raise _no_record(path) from error
    sound = isinstance(record.created, str) and isinstance(record.identity, dict)
    if record.schema != SCHEMA or not sound or record.state not in get_args(RunState):
        raise _no_record(path)
    return record


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return every name whose value differs: "learning_rate was 3e-05, now 0.0001"."""
    now = json.loads(json.dumps(now))  # tuples are lists in the file
    return [
        f"{printable(name, 40)} was {_shown(then.get(name))}, now {_shown(now.get(name))}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return printable("none" if value is None else text, _SHOWN)


def _no_record(path: Path) -> InputError:
    return InputError(f"{printable(str(path))}: is not a run of this version of bdaudit")
