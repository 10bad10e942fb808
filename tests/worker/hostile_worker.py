"""A worker whose code has been taken over: confined as any other, then it does what its job says.

Run in place of `auditor.worker` by tests that show what the walls behind the static check hold.
`python -I tests/worker/hostile_worker.py` with a job of kind "attack" runs the Python file that the
job names; one of kind "models" loads models as Keras would without any check.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

from auditor.worker import __main__ as worker


def attack(job: dict[str, Any], folder: Path, tell: worker.Tell) -> None:
    """Run the code of a test."""
    runpy.run_path(job["model"], init_globals={"job": job, "folder": folder, "tell": tell})


def load(job: dict[str, Any], folder: Path, tell: worker.Tell) -> None:
    """Load and use models with the static check and Keras' own safe mode switched off."""
    from auditor.worker.exchange import write_result

    write_result({name: _use(path) for name, path in job["models"].items()}, folder)


def _use(path: str) -> str:
    import keras
    import numpy as np
    import tensorflow as tf

    try:
        if Path(path).is_dir():
            tf.saved_model.load(path)
            return "used"
        model = keras.models.load_model(path, compile=False, safe_mode=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        model(np.zeros([size or 1 for size in model.input_shape], np.float32))
    except Exception as error:
        return f"loaded, then {type(error).__name__}: {error}"
    return "used"


if __name__ == "__main__":
    worker.JOBS |= {"attack": attack, "models": load}
    sys.exit(worker.main())
