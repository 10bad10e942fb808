"""`models:/name/version` and `runs:/RUN_ID/path`: models in MLflow."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from auditor.errors import UsageError
from auditor.references.base import Reference, is_safe
from auditor.text import printable, visible

_REGISTERED: Final = re.compile(
    r"models:/(?P<name>[^/@:\\]{1,250})"
    r"(/(?P<version>[A-Za-z0-9_ -]{1,60})|@(?P<alias>[\w.-]{1,250}))"
)
_LOGGED: Final = re.compile(r"models:/(?P<id>m-[0-9a-f]{32})")
_OF_A_RUN: Final = re.compile(r"runs:/(?P<run>[A-Za-z0-9][\w-]{0,255})/(?P<path>.+)", re.DOTALL)


class MlflowReference(Reference):
    """A model that MLflow keeps."""

    PACKAGE: ClassVar[str] = "mlflow"
    EXTRA: ClassVar[str] = "bdaudit[mlflow]"
    VARIABLES: ClassVar[tuple[str, ...]] = ("MLFLOW_",)
    ADDRESS: ClassVar[str] = "MLFLOW_TRACKING_URI"
    SETTINGS: ClassVar[dict[str, str]] = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",  # which goes wherever the server says
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }


@dataclass(frozen=True)
class RegistryReference(MlflowReference):
    """A model in the registry.

    Attributes:
        name: Of the registered model; the identifier of a logged one.
        version: A number, `latest` or a stage; empty where there is an alias.
        alias: An alias; empty where there is a version.
    """

    name: str = ""
    version: str = ""
    alias: str = ""

    scheme: ClassVar[str] = "models"
    FORM: ClassVar[str] = "models:/NAME/VERSION or models:/NAME@ALIAS"

    @classmethod
    def parse(cls, text: str) -> "RegistryReference":
        """Read `models:/name/version` or `models:/name@alias`.

        Raises:
            UsageError: It is written otherwise.
        """
        if logged := _LOGGED.fullmatch(text):
            return cls(text, logged["id"])
        found = _REGISTERED.fullmatch(text)
        if found is None or visible(text) != text:
            raise UsageError(
                f"{printable(text)}: expected {cls.FORM}, such as models:/traffic-signs/3"
            )
        return cls(text, found["name"], found["version"] or "", found["alias"] or "")

    @property
    def moves(self) -> bool:
        """Whether it names neither a version by number nor a logged model."""
        return bool(self.alias or self.version) and not self.version.isdecimal()

    def same_but_pinned(self, pinned: Reference) -> bool:
        """Whether another reference is to a version of the same registered model."""
        return (
            isinstance(pinned, RegistryReference)
            and self.moves
            and not pinned.moves
            and self.name == pinned.name
        )


@dataclass(frozen=True)
class RunReference(MlflowReference):
    """A model among what a run has left.

    Attributes:
        run: The run's identifier.
        path: The file or folder.
    """

    run: str = ""
    path: str = ""

    scheme: ClassVar[str] = "runs"
    FORM: ClassVar[str] = "runs:/RUN_ID/PATH"

    @classmethod
    def parse(cls, text: str) -> "RunReference":
        """Read `runs:/RUN_ID/path`.

        Raises:
            UsageError: It is written otherwise.
        """
        found = _OF_A_RUN.fullmatch(text)
        path = found["path"].rstrip("/") if found else ""
        if found is None or not is_safe(path):
            raise UsageError(
                f"{printable(text)}: expected {cls.FORM}, the path from the run's artifacts, "
                "without .. and backslashes"
            )
        return cls(text, found["run"], path)

    @property
    def suffix(self) -> str:
        """Extension of the file that it names; empty where it names a folder."""
        return Path(self.path).suffix
