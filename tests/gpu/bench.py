"""Where the steps are taken: a backend, what it works on, and how a program is run."""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gpu import limited
from tests.gpu.limited import Ran
from tests.gpu.material import Material
from tests.gpu.table import Row

BARE = Path(__file__).with_name("bare.py")


class Failed(Exception):
    """A step that came to nothing, with the reason."""


@dataclass
class Bench:
    """One backend, what it works on, and what is known of it so far.

    Attributes:
        backend: The Keras backend.
        material: Networks and images.
        folder: For whatever the steps write.
        log: Everything that was printed.
        ends: When everything must be over, as `time.monotonic` counts.
        tiny: Whether it is only tried whether all of this runs: nothing is judged.
        bare: Rows a second that plain training passes through each network, once measured.
        lost: Walls behind which the GPU was not used.
    """

    backend: str
    material: Material
    folder: Path
    log: Path
    ends: float
    tiny: bool
    bare: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of whatever is run."""
        return {**os.environ, "KERAS_BACKEND": self.backend, "TMPDIR": str(self.folder)}

    def run(self, words: list[object], seconds: float, **variables: str) -> Ran:
        """Run a program, and keep what it printed.

        Raises:
            Failed: Its time was over.
        """
        left = self.ends - time.monotonic()
        if left < 5:
            raise Failed("left out: the time is up")
        seconds = min(left, 600 if self.tiny else seconds)
        line = [sys.executable, "-I", "-u", *map(str, words)]
        ran = limited.run(line, seconds, {**self.environment, **variables})
        with self.log.open("a", encoding="utf-8") as log:
            shown = " ".join([f"KERAS_BACKEND={self.backend}", *map(str, words)])
            log.write(f"$ {shown}\n{ran.out}{ran.err}[{ran.code}, {ran.seconds:.1f} s]\n\n")
        if ran.code is None:
            raise Failed(
                f"stopped after {ran.seconds:.0f} s: {last_line(ran.err) or last_line(ran.out)}"
            )
        return ran

    def computed(self, *words: object, seconds: float) -> Any:
        """Run a part of `bare.py` and return what it found."""
        ran = self.run([BARE, *words], seconds)
        if ran.code:
            raise Failed(last_line(ran.err))
        return json.loads(last_line(ran.out))

    def bdaudit(self, *words: object, seconds: float, **variables: str) -> Ran:
        """Run the installed command on a network and its trigger."""
        talk = () if words[0] == "doctor" else ("--no-progress",)
        return self.run(["-m", "auditor", *words, *talk], seconds, **variables)

    def audited(self, *words: object, seconds: float, **variables: str) -> tuple[Ran, Any]:
        """Run a command that writes a certificate, and return that as well.

        Raises:
            Failed: It wrote none.
        """
        path = self.folder / "audit.json"
        path.unlink(missing_ok=True)
        ran = self.bdaudit(*words, "-o", path, "--force", seconds=seconds, **variables)
        if not path.exists():
            raise Failed(f"exit {ran.code}: {last_line(ran.err)}")
        return ran, json.loads(path.read_text("utf-8"))

    @property
    def walls(self) -> tuple[str, ...]:
        """How the steps are confined, and what they compute on."""
        return ("--sandbox", "auto") if self.tiny else ("--sandbox", "required", "--device", "gpu")

    @property
    def given(self) -> tuple[object, ...]:
        """The trigger and where it leads."""
        return ("--trigger", self.material.trigger, "--target", "0")

    def row(self, step: str, result: str, goal: str = "", *, ok: bool, **numbers: Any) -> Row:
        """Return a row, judged where there is a GPU to judge."""
        reached = None if self.tiny or not goal else ok
        return Row(step, self.backend, result, goal=goal, reached=reached, **numbers)


def last_line(text: str) -> str:
    """Return the last line; empty where there is none."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
