"""What every command and every worker imports, imported once: commands are forked from here.

Importing TensorFlow and Keras takes three seconds of computing; hundreds of tests start a worker.
"""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

LIBRARIES = (
    *("KERAS_BACKEND", "OMP_NUM_THREADS", "XLA_FLAGS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
"""The variables that the libraries below read when they are imported, and workers are given."""

TOLD = {name: os.environ.get(name) for name in LIBRARIES}
"""What the libraries were told."""

os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # as a worker has it

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.modules["sklearn"] = None  # type: ignore[assignment]  # as a worker has it, too

import keras  # noqa: E402, F401
import tensorboard.compat.proto.event_pb2  # noqa: E402, F401
import tensorboard.summary.writer.record_writer  # noqa: E402, F401
import tensorflow  # noqa: E402, F401

import auditor.cli.main  # noqa: E402
import auditor.measure.audit  # noqa: E402
import auditor.models.loading  # noqa: E402
import auditor.models.onnx.runtime  # noqa: E402
import auditor.repair.base  # noqa: E402
import auditor.search.base  # noqa: E402
import auditor.worker.__main__  # noqa: E402, F401
from auditor.cli import COMMANDS  # noqa: E402
from auditor.report import pdf  # noqa: E402
from auditor.worker.sandbox import gpu as gpus  # noqa: E402

for _name in COMMANDS:
    __import__(f"auditor.cli.{_name}")
with suppress(OSError):  # no Pango
    pdf.load()

GPUS = gpus.devices()
"""Of this machine, whatever a test makes of it later."""

del sys.modules["sklearn"]
gc.collect()
gc.freeze()  # so that children go on sharing the pages


def can_fork(environment: dict[str, str]) -> bool:
    """Whether a worker with these variables can be forked from here: its libraries are the same.

    One with a GPU needs its own; and what another thread holds would stay held in a child.
    """
    told = {name: environment.get(name) for name in LIBRARIES}
    gpu = GPUS and environment.get("CUDA_VISIBLE_DEVICES") != "-1"
    alone = len([*Path("/proc/self/task").iterdir()]) == 1
    return told == TOLD and not gpu and alone
