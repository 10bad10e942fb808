"""Where the figures of a record come from: the file, the data, the command, what kept it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated

import auditor
from auditor.errors import UsageError
from auditor.figures.facts import Engine, ModelFacts
from auditor.figures.values import MOST_CLASSES, ClassNames, Count, Sha256, Size
from auditor.files.constraints import Range
from auditor.files.origin import Origin, is_reference


@dataclass(frozen=True)
class Tool:
    """Who says so."""

    name: str
    version: str


@dataclass(frozen=True)
class Subject:
    """The model file that was audited.

    Attributes:
        path: As the user gave it: a path, or a reference.
        format: `keras` or `h5`.
        sha256: Of the bytes that were loaded.
        bytes: Size of the file.
        parameters: Number of weights.
        input_shape: (height, width, channels).
        classes: Number of classes.
        class_names: One a class.
        softmax: Whether a final softmax was stepped behind.
        probabilities: Whether the model gives probabilities without one: their logarithms were
            taken for scores.
        origin: What the reference stood for; None for a file of the user's.
        log_odds: Whether it gives one number, which was taken for the log-odds of class 1.
        flattened: Whether it takes an image as one row of numbers.
        output: Name of the output that was audited, where one was chosen; not said otherwise.
    """

    path: str
    format: str
    sha256: Sha256
    bytes: Count
    parameters: Count
    input_shape: tuple[Size, Size, Size]
    classes: Annotated[int, Range(2, MOST_CLASSES)]
    class_names: ClassNames
    softmax: bool
    probabilities: bool = False
    origin: Origin | None = None
    log_odds: bool = False
    flattened: bool = False
    output: str = ""

    @property
    def name(self) -> str:
        """The file's name, or all of a reference."""
        return self.path if is_reference(self.path) else PurePath(self.path).name


@dataclass(frozen=True)
class Safety:
    """How the suspected file was kept from doing harm.

    Attributes:
        sandbox: What confined the worker.
        findings: What the static check found and let pass.
    """

    sandbox: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Environment:
    """What the audit ran on (see `results.Engine`), and how to run it again.

    Attributes:
        unused_gpu: Why a GPU of the machine was not used; empty where there was none, or all were.
    """

    python: str
    backend: str
    versions: dict[str, str]
    device: str
    seed: Count
    command: str
    unused_gpu: str = ""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a record says of the work behind it, beside what was found.

    Attributes:
        path: The model file, as the user gave it.
        sha256: Digest of what was loaded.
        bytes: Its size.
        source: The data, as the user gave it.
        seed: Of the work.
        command: How to do it again: the exact command line, or the call in Python.
        sandbox: What confined the worker.
        unused_gpu: Why a GPU of the machine was not used, if so.
        origin: What the reference stood for by which the model was named.
    """

    path: str
    sha256: str
    bytes: int
    source: str
    seed: int
    command: str
    sandbox: str
    unused_gpu: str = ""
    origin: Origin | None = None

    def tool(self) -> Tool:
        """Return who says so."""
        return Tool("bdaudit", auditor.__version__)

    def subject(self, model: ModelFacts, class_names: tuple[str, ...]) -> Subject:
        """Return the model file.

        Args:
            model: What the loaded model is.
            class_names: One a class.
        """
        return Subject(
            path=self.path,
            format=model.format,
            sha256=self.sha256,
            bytes=self.bytes,
            parameters=model.parameters,
            input_shape=model.input_shape,
            classes=model.classes,
            class_names=class_names,
            softmax=model.softmax,
            probabilities=model.probabilities,
            origin=self.origin,
            log_odds=model.log_odds,
            flattened=model.flattened,
            output=model.output,
        )

    def safety(self) -> Safety:
        """Return how the file was kept from doing harm; what the check finds is never let pass."""
        return Safety(self.sandbox, ())

    def environment(self, engine: Engine) -> Environment:
        """Return what the work ran on, and how to run it again."""
        return Environment(
            **vars(engine), seed=self.seed, command=self.command, unused_gpu=self.unused_gpu
        )


def now() -> str:
    """Return the time, to the second, in UTC; `SOURCE_DATE_EPOCH` stands in for the clock.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set to something else than seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"SOURCE_DATE_EPOCH={epoch!r}: expected seconds since 1970, such as 1700000000"
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
