"""What the tests of references share: a hub on this machine with small real models, and a cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Ran, Workshop, bdaudit
from tests.references.hub_server import Hub, serving

FIRST, SECOND = "a" * 39 + "1", "b" * 39 + "2"


@dataclass
class Desk:
    """A user's machine: the hub that it knows, its cache, and the working folder."""

    hub: Hub
    home: Path

    @property
    def cache(self) -> Path:
        return self.home / "hf" / "hub"

    def run(self, *arguments: object, **environment: str) -> Ran:
        known = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.home / "hf"),
            "HOME": str(self.home),
            "NO_PROXY": "127.0.0.1",
        }
        return bdaudit(*arguments, cwd=self.home, **{**known, **environment})

    def written(self) -> set[str]:
        """All files outside the cache, by their place."""
        return {
            str(path.relative_to(self.home))
            for path in self.home.rglob("*")
            if not path.is_dir() and not path.is_relative_to(self.home / "hf")
        }


@pytest.fixture
def desk(workshop: Workshop, tmp_path: Path) -> Iterator[Desk]:
    """A hub whose `main` is at SECOND, and whose tag v1 is at FIRST: another model."""
    poisoned, clean = workshop.poisoned.read_bytes(), workshop.clean.read_bytes()
    files = {
        FIRST: {"README.md": b"# net\n", "model.keras": clean},
        SECOND: {"README.md": b"# net, again\n", "model.keras": poisoned},
    }
    with serving(Hub(files, {"main": SECOND, "v1": FIRST})) as hub:
        yield Desk(hub, tmp_path)
