"""A repair for TensorBoard, written without TensorFlow, which this process does not load."""

import os
import struct
import time
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any, Final

from auditor.errors import WorkError
from auditor.figures.results import Rate
from auditor.files.own_file import make_folder, open_own
from auditor.monitor.heatmaps import heatmaps
from auditor.repair.observer import Observer
from auditor.repair.result import Epoch, Plan
from auditor.text import printable

_SCALARS: Final = (
    "asr",
    "robust_accuracy",
    "clean_accuracy",
    "clean_target_rate",
    "tar",
    "tar_density",
    "target_loss",
    "loss",
    "alpha",
)

_PATTERN: Final = "events.out.tfevents.*.bdaudit"


def available() -> bool:
    """Whether the `tensorboard` extra is installed."""
    return find_spec("tensorboard") is not None


class TensorBoard(Observer):
    """Writes an event file: every epoch's figures and its heatmaps.

    Any method that writes raises `WorkError` where it cannot.
    """

    _plan: Plan

    def __init__(self, folder: Path) -> None:
        """Take a folder; nothing is written before `begin`."""
        self._folder = folder
        self._file = folder / _PATTERN.replace("*", f"{time.time():010.0f}")

    def begin(self, plan: Plan) -> None:
        """Start a fresh event file in place of an earlier one's: all epochs are told again."""
        self._plan = plan
        try:
            make_folder(self._folder)
            for earlier in self._folder.glob(_PATTERN):
                earlier.unlink()
        except OSError as error:
            raise _failed(self._folder, error) from error
        self._append(file_version="brain.Event:2")

    def epoch(self, epoch: Epoch) -> None:
        """Append an epoch's figures, where there are any, and its picture."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        figures = ((name, _number(getattr(epoch, name))) for name in _SCALARS)
        values = [Summary.Value(tag=n, simple_value=x) for n, x in figures if x is not None]
        picture = heatmaps(self._plan, epoch)
        if picture:
            width, height = struct.unpack_from(">II", picture, 16)  # the PNG's own header
            image = Summary.Image(
                height=height, width=width, colorspace=3, encoded_image_string=picture
            )
            values.append(Summary.Value(tag="heatmaps", image=image))
        self._append(step=epoch.epoch, summary=Summary(value=values))

    def _append(self, **fields: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = Event(wall_time=time.time(), **fields)
        try:
            with os.fdopen(open_own(self._file, os.O_WRONLY | os.O_APPEND), "ab") as file:
                RecordWriter(file).write(event.SerializeToString())
        except OSError as error:
            raise _failed(self._file, error) from error


def _number(value: Any) -> float | None:
    """Return what can be drawn of a figure: not what was skipped, undefined or not finite."""
    number = value.value if isinstance(value, Rate) else value
    return number if isinstance(number, float) and isfinite(number) else None


def _failed(path: Path, error: OSError) -> WorkError:
    return WorkError(f"{printable(str(path))}: cannot be written: {error.strerror}")
