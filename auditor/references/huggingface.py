"""`hf://owner/name@revision/file`: a model on the Hugging Face hub, by its commit."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote, unquote

from auditor.errors import UsageError
from auditor.references.base import Reference, is_safe
from auditor.text import printable

_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_WRITTEN: Final = re.compile(
    rf"hf://(?P<owner>{_NAME})/(?P<name>{_NAME})(@(?P<revision>[^/@]*))?(/(?P<file>.*))?", re.DOTALL
)
_REVISION: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./+-]{0,200}")
_OTHER_KINDS: Final = ("datasets", "spaces", "buckets")

COMMIT: Final = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class HubReference(Reference):
    """A model on Hugging Face.

    Attributes:
        owner: Of the repository.
        name: Of the repository.
        revision: A branch, a tag or a commit; empty for the default branch.
        file: The file, or the folder of a SavedModel; empty for the only model there is.
    """

    owner: str = ""
    name: str = ""
    revision: str = ""
    file: str = ""

    scheme: ClassVar[str] = "hf"
    FORM: ClassVar[str] = "hf://OWNER/NAME[@REVISION][/FILE]"
    PACKAGE: ClassVar[str] = "huggingface_hub"
    EXTRA: ClassVar[str] = "bdaudit[hf]"
    VARIABLES: ClassVar[tuple[str, ...]] = ("HF_", "HUGGING_FACE_", "HUGGINGFACE_")
    ADDRESS: ClassVar[str] = "HF_ENDPOINT"
    SETTINGS: ClassVar[dict[str, str]] = {
        "HF_HUB_DISABLE_XET": "1",  # plain HTTP is counted while it comes
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    @classmethod
    def parse(cls, text: str) -> "HubReference":
        """Read `hf://owner/name[@revision][/file]`.

        Raises:
            UsageError: It is written otherwise.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None or found["owner"] in _OTHER_KINDS:
            kind = "" if found is None else f"{found['owner']} are not models; "
            raise UsageError(
                f"{printable(text)}: {kind}expected {cls.FORM}, such as "
                "hf://owner/name@main/model.keras"
            )
        revision, file = unquote(found["revision"] or ""), (found["file"] or "").rstrip("/")
        if found["revision"] is not None and not _REVISION.fullmatch(revision):
            raise UsageError(
                f"{printable(text)}: {printable(revision, 80)!r} is no revision; give a commit, a "
                "tag or a branch, a / in it written %2F"
            )
        if file and not is_safe(file):
            raise UsageError(
                f"{printable(text)}: {printable(file, 80)!r} is no file of a repository; give "
                "its path from the root, without .. and backslashes"
            )
        return cls(text, found["owner"], found["name"], revision, file)

    @property
    def suffix(self) -> str:
        """Extension of the file that it names; empty where it names none."""
        return Path(self.file).suffix

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def moves(self) -> bool:
        """Whether it names no commit."""
        return COMMIT.fullmatch(self.revision) is None

    def at(self, revision: str, file: str) -> str:
        """Return the reference to a file of the repository at a revision."""
        at = f"@{quote(revision, safe='')}" if revision else ""
        return f"hf://{self.repository}{at}/{file}".rstrip("/")

    def same_but_pinned(self, pinned: Reference) -> bool:
        """Whether another reference is to the same file, at a commit."""
        return (
            isinstance(pinned, HubReference)
            and self.moves
            and not pinned.moves
            and pinned.repository == self.repository
            and self.file in ("", pinned.file)
        )
