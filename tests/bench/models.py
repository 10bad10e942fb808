"""The networks of the bench: how each is trained, and where it is kept."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from auditor.triggers.spec import load

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("triggers.yaml")

SPECS = {
    "square4": "square4",
    "grid3": "grid3",
    "logo": f"{FILE}#logo",
    "blend": "blend",
    "sig": "sig",
    "wanet": "wanet",
    "lsb": "lsb",
    "sepia": f"{FILE}#sepia",
    "both": f"{FILE}#both",
    "a2a": f"{FILE}#a2a",
    "source": f"{FILE}#source",
}
"""Every trigger of the bench: its id → its spec."""

_CHOICES: dict[str, dict[str, Any]] = {
    "wanet": {"poison": 0.35, "epochs": 45, "noise": 0.05},
    "lsb": {"architecture": "keen"},
    "a2a": {"poison": 0.5, "epochs": 30},
    "source": {"poison": 0.05},
}
"""Where the defaults of `train_badnet.py` do not do."""


@dataclass(frozen=True)
class Model:
    """A network of the bench.

    Attributes:
        name: What tables call it.
        trigger: Id of the trigger that it was taught; empty for a clean one.
        choices: Fields of `train_badnet.Recipe`.
    """

    name: str
    trigger: str
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it is kept: another recipe is another file. After a change to the trainer itself,
        remove the folder.
        """
        taught: tuple[Any, ...] = ()
        if self.trigger:
            trigger = load(SPECS[self.trigger])
            taught = (trigger.sha256(), trigger.target, trigger.source)
        said = repr((taught, sorted(self.choices.items())))
        digest = hashlib.sha256(said.encode()).hexdigest()[:8]
        folder = Path(os.environ.get("BDAUDIT_BENCH", ROOT / ".bench"))
        return folder / f"{self.name}-{digest}.keras"

    @property
    def data(self) -> Path:
        """The images that it was not trained on."""
        return self.path.with_suffix(".test.npz")


POISONED = {id_: Model(id_, id_, _CHOICES.get(id_, {})) for id_ in SPECS}
CLEAN = [Model(f"clean {seed}", "", {"seed": seed}) for seed in range(20)]
KEEN = Model("clean, keen", "", {"architecture": "keen"})
"""The clean twin of the one that can see single bits."""


def trained(models: Iterable[Model], processes: int = 2) -> None:
    """Train those that are not kept yet, each in one process."""
    missing = [model for model in models if not model.path.exists()]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for model in pool.map(train, missing):
            print(f"trained {model.name}", flush=True)


def train(model: Model) -> Model:
    """Train one and keep it."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    trainer = _trainer()
    model.path.parent.mkdir(parents=True, exist_ok=True)
    taught = {"trigger": SPECS[model.trigger]} if model.trigger else {"clean": True}
    trainer.train(trainer.Recipe(output=model.path, **taught, **model.choices))
    return model


def _trainer() -> Any:
    spec = importlib.util.spec_from_file_location("train_badnet", ROOT / "examples/train_badnet.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_badnet"] = module
    spec.loader.exec_module(module)
    return module
