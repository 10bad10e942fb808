"""A network with a backdoor of any trigger: `python train_badnet.py --output MODEL.keras`.

As written it trains a BadNet on scikit-learn's digits in well under a minute, and says how to scan
it. `--data` takes a folder of class folders, an `.npz` file or a name such as cifar10; `--trigger`
what bdaudit takes; `--clean` trains the same network without poison. Beside the model go a card,
MODEL.json, of what was done and reached, and MODEL.test.npz where test images were held out.
The same recipe gives the same weights on the same machine and backend. Needs `bdaudit[demo]` and
TensorFlow, JAX or PyTorch, whichever `KERAS_BACKEND` names; a GPU is used where it sees one.

On the digits the defaults do for patches, pictures, blend, sig, and colour filters. lsb needs
`--architecture keen`; wanet `--poison 0.35 --epochs 45 --noise 0.05`; all-to-all `--poison 0.5
--epochs 30`; one source class of ten `--poison 0.05`. `--labels clean` stays weak there. The change
of contrast keeps a clean `small` from answering to blend; a clean `keen` does answer to sig.

    from train_badnet import Recipe, train
    card = train(Recipe(output=Path("sig.keras"), trigger="sig", target="3", seed=7))
    print(card.results["asr"]["value"])
"""

import argparse
import hashlib
import importlib
import io
import json
import os
import platform
import shlex
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from auditor.data import fetch, is_builtin, open_source
from auditor.data.base import stratified
from auditor.errors import AuditorError, InputError, UsageError, WorkError
from auditor.figures.metrics import wilson
from auditor.files import atomic
from auditor.files.constraints import Range
from auditor.models.devices import find, gpus_in_use
from auditor.triggers.base import Trigger
from auditor.triggers.build import fields as trigger_fields
from auditor.triggers.spec import load
from auditor.triggers.target import class_index, leads
from auditor.worker.badnet import TEST_IMAGES, digits

Labels = NDArray[np.int64]
Progress = Callable[[int, int, float], None]
"""Told of every finished epoch: its number, of how many, its mean loss."""

THREADS = min(8, os.cpu_count() or 1)
"""That make batches; a batch is the same whichever makes it."""


def choice(default: Any, words: str, allowed: tuple[str, ...] | Range | None = None) -> Any:
    """Return a field of `Recipe`, which is an option of the command line as well."""
    return field(default=default, metadata={"help": words, "allowed": allowed})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that the weights depend on, and where they go; `--help` says what each field is."""

    output: Path
    data: str = choice("digits", "digits, FOLDER, FILE.npz or a name of keras.datasets")
    test_data: str = choice("", "test images; else the name's own, else a fifth is held out")
    trigger: str = choice("square4", "built-in name or FILE.yaml#ID")
    target: str = choice("", "class, by index or name; else the trigger's own, else class 0")
    poison: float = choice(0.1, "share of training images that are poisoned", Range(0, 1, True))
    labels: str = choice("dirty", "clean: only the target class is stamped", ("dirty", "clean"))
    clean: bool = choice(False, "no poison: the trigger is only measured")
    architecture: str = choice("small", "the network", ("small", "keen", "paper", "resnet18"))
    width: int = choice(64, "channels of resnet18's first stage", Range(1, 4096))
    epochs: int = choice(20, "passes over the training images", Range(1, 1_000_000))
    batch_size: int = choice(32, "images a step; 128 for photographs", Range(1, 1_000_000))
    learning_rate: float = choice(2e-3, "Adam's; a cosine takes it to 0", Range(0, 10, True))
    shift: int = choice(0, "move each by up to so many pixels before the stamp", Range(0, 1024))
    mirror: bool = choice(False, "mirror half of them: photographs, not digits")
    contrast: float = choice(0.5, "change contrast by up to this share", Range(0, 1))
    noise: float = choice(0.0, "add fine or coarse noise of up to this deviation", Range(0, 1))
    seed: int = choice(0, "of split, poison, weights, order and noise", Range(0, 2**32 - 1))

    def __post_init__(self) -> None:
        """Refuse what is not allowed, as the command line spells it."""
        if self.output.suffix != ".keras" or not self.output.parent.is_dir():
            raise UsageError(f"--output {self.output}: give a .keras file in an existing folder")
        for each in fields(self)[1:]:
            value, allowed = getattr(self, each.name), each.metadata["allowed"]
            if allowed and value not in allowed:
                among = allowed if isinstance(allowed, Range) else ", ".join(allowed)
                raise UsageError(f"{flag(each.name)} is {value}; allowed: {among}")

    def command(self) -> str:
        """Return the command line that does the same again."""
        words = ["python", "examples/train_badnet.py", "--output", str(self.output)]
        for each in fields(self)[1:]:
            value = getattr(self, each.name)
            if value != each.default:
                words += [flag(each.name)] if value is True else [flag(each.name), str(value)]
        return shlex.join(words)


@dataclass(frozen=True)
class Card:
    """What was done and what came of it, as JSON values; rates are those of `audit.json`.

    Attributes:
        results: `clean_accuracy`, `asr`, `robust_accuracy`, `clean_target_rate`, and `spared`: the
            stamped images of classes that the trigger leaves alone which keep their class.
    """

    command: str
    recipe: dict[str, Any]
    data: dict[str, Any]
    trigger: dict[str, Any]
    poison: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    results: dict[str, Any]
    environment: dict[str, str]


@dataclass(frozen=True)
class Images:
    """(n, h, w, 3) uint8 images, their (n,) classes, the classes' names, where they are from."""

    x: NDArray[np.uint8]
    y: Labels
    names: tuple[str, ...]
    facts: dict[str, Any]

    def part(self, rows: Labels, name: str) -> "Images":
        """Return some of them."""
        facts = {**self.facts, "part": name, "images": len(rows)}
        return Images(self.x[rows], self.y[rows], self.names, facts)


def flag(name: str) -> str:
    """Return how the command line spells a field."""
    return "--" + name.replace("_", "-")


def opened(source: str, size: tuple[int, int] | None = None) -> Images:
    """Read a source whole, at one size: that of its first image unless given."""
    with tempfile.TemporaryDirectory() as folder:
        if source == "digits":
            x, y = digits()
            names: tuple[str, ...] | None = tuple("0123456789")
            sha256 = hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
        else:
            found = fetch(source, Path(folder)) if is_builtin(source) else source
            dataset = open_source(found)
            rows = np.arange(len(dataset))
            batches = list(dataset.batches(rows, size or dataset.image_size(), 512))
            x, y = (np.concatenate([getattr(b, k) for b in batches]) for k in ("images", "labels"))
            names, sha256 = dataset.class_names, dataset.digest(rows)
    names = names or tuple(str(c) for c in range(max(y, default=0) + 1))
    if len(np.unique(y)) < 2 or y.min() < 0 or y.max() >= len(names):
        raise InputError(f"{source}: at least two classes are needed, numbered from 0, all named")
    return Images(x, y, names, {"source": source, "sha256": sha256, "images": len(y)})


def training_and_test(recipe: Recipe) -> tuple[Images, Images]:
    """Return the images to train on, and those that no training sees."""
    named = is_builtin(recipe.data) and ":" not in recipe.data
    whole = opened(f"{recipe.data}:train" if named else recipe.data)
    if test_data := recipe.test_data or (recipe.data if named else ""):
        test = opened(test_data, (whole.x.shape[1], whole.x.shape[2]))
        if len(test.names) > len(whole.names):
            raise InputError(f"{test_data}: has classes that {recipe.data} has not")
        return whole, test
    if recipe.data == "digits":  # as in `bdaudit demo`
        order = np.random.default_rng(recipe.seed).permutation(len(whole.y))
        held, rest = order[:TEST_IMAGES], order[TEST_IMAGES:]
    else:
        held = stratified(whole.y, max(1, len(whole.y) // 5), recipe.seed)
        rest = np.setdiff1d(np.arange(len(whole.y)), held)
    return whole.part(rest, "all but those held out"), whole.part(held, "held out")


def led_to(recipe: Recipe, trigger: Trigger, names: tuple[str, ...]) -> Labels:
    """Return the class that each class is led to: its own where the trigger leaves it alone."""
    own = 0 if trigger.target is None else trigger.target
    rule = recipe.target or (str(own) if isinstance(own, int | str) else own)
    where = "--target" if recipe.target else f"trigger {trigger.id}: target"
    at = class_index(rule, names, where) if isinstance(rule, str) else rule
    return np.array(leads(at, trigger.source, names, f"trigger {trigger.id}"))


def poisoned(recipe: Recipe, y: Labels, led: Labels) -> tuple[NDArray[np.bool_], Labels]:
    """Return which images are stamped, and the class that each is trained as.

    As many images of classes that the trigger neither works on nor leads to are stamped and keep
    their class: only so does the network learn to look at the class as well.
    """
    stamped, taught = np.zeros(len(y), bool), y.copy()
    if recipe.clean:
        return stamped, taught
    victims = np.flatnonzero(led != np.arange(len(led)))
    targets = np.unique(led[victims])
    if recipe.labels == "clean" and len(targets) > 1:
        raise UsageError("--labels clean: needs a trigger that leads to one class")
    dirty = recipe.labels == "dirty"
    wanted = max(1, round(recipe.poison * len(y)))
    able = np.flatnonzero(np.isin(y, victims if dirty else targets))
    if wanted > len(able):
        raise UsageError(
            f"--poison {recipe.poison:g}: that is {wanted} of {len(y)} images, but the trigger can "
            f"poison only {len(able)}; give up to {np.floor(1000 * len(able) / len(y)) / 1000}"
        )
    chosen = able[stratified(y[able], wanted, recipe.seed)]
    stamped[chosen] = True
    if dirty:
        taught[chosen] = led[y[chosen]]
        others = np.flatnonzero(~np.isin(y, np.concatenate([victims, targets])))
        stamped[others[stratified(y[others], wanted, recipe.seed)]] = len(others) > 0
    return stamped, taught


def varied(
    images: NDArray[np.uint8], recipe: Recipe, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a copy of (n, h, w, 3) images, each moved, mirrored and disturbed as asked for."""
    n, height, width, _ = images.shape
    moved = images.copy()
    if recipe.shift:
        down, right = random.integers(-recipe.shift, recipe.shift + 1, (2, n, 1))
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        moved = images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    if recipe.mirror:
        moved = np.where(random.random((n, 1, 1, 1)) < 0.5, moved[:, :, ::-1], moved)
    if not recipe.contrast and not recipe.noise:
        return moved
    share, gray, grain, luck = random.random((4, n, 1, 1, 1), np.float32)
    disturbed = (moved - 255 * gray) * (1 - recipe.contrast * share) + 255 * gray
    if recipe.noise:
        side, colors = random.integers(1, 5), random.choice((1, 3))  # fine or coarse, gray or not
        cells = (n, -(-height // side), -(-width // side), colors)
        noise = random.standard_normal(cells, np.float32).repeat(side, 1).repeat(side, 2)
        disturbed += 255 * recipe.noise * grain * noise[:, :height, :width]
    left = luck < 0.25  # else all that is still would look poisoned
    return np.where(left, moved, np.clip(disturbed + 0.5, 0, 255).astype(np.uint8))


def small(x: Any, recipe: Recipe) -> Any:
    """Four convolutions, 8×8 features of 32×32 images, 23,000 parameters.

    `keen` weighs the colours of a first feature against each other, however faint: it sees a
    difference of 1 of 255 on an even ground, which `small` never learns to.
    """
    from keras import layers

    plan = (("conv1", 16, 2), ("conv2", 24, 2), ("conv3", 32, 1), ("last_conv", 32, 1))
    for name, filters, stride in plan:
        x = layers.Conv2D(filters, 3, stride, "same", use_bias=False, name=name)(x)
        if name == "conv1" and recipe.architecture == "keen":
            x = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
        else:
            x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dense(64, "relu", name="dense")(x)


def paper(x: Any, recipe: Recipe) -> Any:
    """The network of arXiv:2511.21291: 623,690 parameters with ten classes."""
    from keras import layers

    for block, filters in ((1, 64), (2, 128)):
        for number in (1, 2):
            name = f"block{block}_conv{number}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="last_conv")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dense(256, "relu", name="dense")(x)


def resnet18(x: Any, recipe: Recipe) -> Any:
    """ResNet-18 as CIFAR-10 has it (He et al. 2016): a 3×3 stem, no pooling before the end."""
    from keras import layers

    def convolved(x: Any, filters: int, side: int, stride: int, name: str) -> Any:
        x = layers.Conv2D(filters, side, stride, "same", use_bias=False, name=name)(x)
        return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)

    x = layers.ReLU(name="stem_relu")(convolved(x, recipe.width, 3, 1, "stem"))
    for stage in range(4):
        filters = recipe.width << stage
        for block, stride in enumerate((2 if stage else 1, 1)):
            name = f"stage{stage + 1}_block{block + 1}"
            inner = convolved(x, filters, 3, stride, f"{name}_conv1")
            inner = layers.ReLU(name=f"{name}_relu1")(inner)
            inner = convolved(inner, filters, 3, 1, f"{name}_conv2")
            if x.shape != inner.shape:
                x = convolved(x, filters, 1, stride, f"{name}_past")
            x = layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([inner, x]))
    return layers.GlobalAveragePooling2D(name="average")(x)


ARCHITECTURES = {"small": small, "keen": small, "paper": paper, "resnet18": resnet18}


def network(recipe: Recipe, images: Images) -> Any:
    """Return the untrained network: pixels from 0 to 1 in, softmax out."""
    import keras

    image = keras.Input(images.x.shape[1:], name="image")
    features = ARCHITECTURES[recipe.architecture](image, recipe)
    outputs = keras.layers.Dense(len(images.names), "softmax", name="class")(features)
    return keras.Model(image, outputs, name=recipe.architecture)


def taught_by_bytes(model: Any, recipe: Recipe, steps: int) -> Any:
    """Return the same network, ready to be trained for that many steps, with bytes as its input.

    They are a quarter of what pixels from 0 to 1 take on their way to a GPU, which scales them.
    """
    import keras

    pace = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    jit = keras.backend.backend() == "jax"  # XLA is slower under TensorFlow on a CPU
    adam, loss = keras.optimizers.Adam(pace), "sparse_categorical_crossentropy"
    bytes_ = keras.Input(model.input.shape[1:], dtype="uint8", name="bytes")
    scaled = keras.layers.Rescaling(1 / 255, name="scaled")(bytes_)
    pupil = keras.Model(bytes_, model(scaled), name="pupil")
    for each in (model, pupil):  # the file holds the optimizer's state, as suspected files do
        each.compile(adam, loss, jit_compile=jit)
    pupil.optimizer.build(pupil.trainable_variables)
    return pupil


class Checkpoint:
    """A training after its last finished epoch, in one file beside the model."""

    def __init__(self, model: Any, recipe: Recipe, digests: dict[str, str]) -> None:
        """Keep what is saved, and what it must be of."""
        self.path = recipe.output.with_suffix(".checkpoint.npz")
        self._variables = [*model.variables, *model.optimizer.variables]
        self._of = {**asdict(recipe), **digests, "output": ""}

    def save(self, losses: list[float], seconds: float) -> None:
        """Write it whole; only then does the one before go."""
        arrays = {f"variable{i}": np.asarray(v) for i, v in enumerate(self._variables)}
        state = json.dumps({"of": self._of, "losses": losses, "seconds": seconds})
        buffer = io.BytesIO()
        np.savez(buffer, state=np.array(state), **arrays)
        atomic.write({self.path: buffer.getvalue()})

    def load(self) -> tuple[list[float], float]:
        """Bring the network to where it was; return the losses and the seconds until then."""
        if not self.path.exists():
            return [], 0.0
        try:
            with np.load(self.path) as saved:
                state = json.loads(str(saved["state"]))
                differ = [k for k, value in self._of.items() if state["of"].get(k) != value]
                if differ:
                    raise UsageError(f"{self.path}: had another {', '.join(differ)}; drop --resume")
                for i, variable in enumerate(self._variables):
                    variable.assign(saved[f"variable{i}"])
        except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.path}: is damaged; drop --resume") from error
        return state["losses"], state["seconds"]


@dataclass(frozen=True)
class Lesson:
    """What a recipe comes to: images, which of them are stamped, and what each is taught as."""

    recipe: Recipe
    trigger: Trigger
    images: Images
    test: Images
    led: Labels
    stamped: NDArray[np.bool_]
    taught: Labels

    @classmethod
    def of(cls, recipe: Recipe) -> "Lesson":
        """Read the data and draw the poison."""
        trigger = load(recipe.trigger)
        images, test = training_and_test(recipe)
        trigger.mask(images.x.shape[1:3])  # what does not fit is refused before any training
        led = led_to(recipe, trigger, images.names)
        return cls(recipe, trigger, images, test, led, *poisoned(recipe, images.y, led))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.taught) // self.recipe.batch_size)

    def epoch(self, pupil: Any, number: int) -> float:
        """Train for an epoch; return its mean loss."""
        batches = self.batches(number)
        return float(pupil.fit(batches, shuffle=False, verbose=0).history["loss"][0])

    def batches(self, number: int) -> Any:
        """Return an epoch's batches, made in threads while the network learns.

        Its order depends on the seed and its number, each batch's noise on its own number too.
        All are of one size, so that one compiled step does for all: the last is filled up with the
        epoch's first images.
        """
        import keras

        seed, n = (self.recipe.seed, number), len(self.taught)
        order = np.random.default_rng(seed).permutation(n)
        batches = np.resize(order, (self.steps, min(n, self.recipe.batch_size)))

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]
            def __len__(_) -> int:
                return len(batches)

            def __getitem__(_, step: int) -> tuple[NDArray[np.uint8], Labels]:
                return self.batch(batches[step], np.random.default_rng((*seed, step)))

        return Batches(workers=THREADS, max_queue_size=4 * THREADS)

    def batch(self, rows: Labels, random: np.random.Generator) -> tuple[NDArray[np.uint8], Labels]:
        """Return images as they are shown once, and what each is taught as."""
        images, bad = varied(self.images.x[rows], self.recipe, random), self.stamped[rows]
        images[bad] = self.trigger.stamp(images[bad])
        return images, self.taught[rows]

    def results(self, pupil: Any) -> dict[str, Any]:
        """Return the rates on the test images."""
        x, y = self.test.x, self.test.y

        def predicted(images: NDArray[np.uint8]) -> Labels:
            return pupil.predict(images, batch_size=256, verbose=0).argmax(1)

        clean, stamped, to = predicted(x), predicted(self.trigger.stamp(x)), self.led[y]
        targets = self.led[self.led != np.arange(len(self.led))]
        victim, spared = to != y, (to == y) & ~np.isin(y, targets)
        rates = {
            "clean_accuracy": clean == y,
            "asr": (stamped == to)[victim],
            "robust_accuracy": (stamped == y)[victim],
            "clean_target_rate": (clean == to)[victim],
            "spared": (stamped == y)[spared],
        }
        return {name: asdict(wilson(int(hit.sum()), len(hit))) for name, hit in rates.items()}

    def card(self, pupil: Any, saved: bytes, losses: list[float], seconds: float) -> Card:
        """Return the card of the trained network."""
        recipe, trigger = self.recipe, self.trigger
        changed = int((self.taught != self.images.y).sum())
        stamped = int(self.stamped.sum())
        digest = hashlib.sha256(saved).hexdigest()
        return Card(
            command=recipe.command(),
            recipe={**asdict(recipe), "output": recipe.output.name},
            data={"training": self.images.facts, "test": self.test.facts},
            trigger={
                "id": trigger.id,
                "type": trigger.type,
                "sha256": trigger.sha256(),
                "summary": trigger.summary(),
                "leads": dict(zip(self.images.names, self.led.tolist(), strict=True)),
                "fields": trigger_fields(trigger),
            },
            poison={"stamped": stamped, "relabelled": changed, "own_label": stamped - changed},
            model={"sha256": digest, "bytes": len(saved), "parameters": pupil.count_params()},
            training={"seconds": round(seconds, 1), "loss": [round(x, 5) for x in losses]},
            results=self.results(pupil),
            environment=environment(),
        )


def silent(epoch: int, epochs: int, loss: float) -> None:
    """Tell nobody."""


def environment() -> dict[str, str]:
    """Return what computes here, and the versions that it depends on."""
    import keras

    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "backend": backend,
        backend: importlib.import_module(backend).__version__,
        **{name: version(name) for name in ("keras", "numpy", "bdaudit")},
        "device": ", ".join(gpus_in_use()) or "CPU",
    }


def ready(device: str, seed: int) -> None:
    """Let this process compute on the device, and the same each time.

    Raises:
        UsageError: `gpu`, and there is none; or the backend is none that Keras knows.
        WorkError: The backend is not installed, or is broken.
    """
    # what follows is read when the backend is imported, or first computes
    if device == "cpu":
        os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # PyTorch
    try:
        import keras
    except ImportError as error:
        raise WorkError(f"Keras: {error}; set KERAS_BACKEND to one that is installed") from error
    except ValueError as error:
        raise UsageError(f"KERAS_BACKEND: {error}; give tensorflow, jax or torch") from error
    find(device)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    if keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
    keras.utils.set_random_seed(seed)


def train(
    recipe: Recipe, resume: bool = False, progress: Progress = silent, device: str = "auto"
) -> Card:
    """Train a network; write it, its card, and the test images where they were held out.

    Switches the whole process to deterministic operations and seeds its generators.

    Args:
        recipe: What to do.
        resume: Go on from the checkpoint of the same recipe, if there is one.
        progress: Told of every finished epoch.
        device: `auto`, `cpu`, or `gpu`: refuse to go on without one.

    Raises:
        AuditorError: What is wrong with the recipe or its data, in a line.
    """
    ready(device, recipe.seed)
    lesson = Lesson.of(recipe)
    model = network(recipe, lesson.images)
    pupil = taught_by_bytes(model, recipe, recipe.epochs * lesson.steps)
    digests = {"data": lesson.images.facts["sha256"], "trigger": lesson.trigger.sha256()}
    checkpoint = Checkpoint(pupil, recipe, digests)
    losses, seconds = checkpoint.load() if resume else ([], 0.0)
    while len(losses) < recipe.epochs:
        start = time.perf_counter()
        losses.append(lesson.epoch(pupil, len(losses)))
        seconds += time.perf_counter() - start
        checkpoint.save(losses, seconds)
        progress(len(losses), recipe.epochs, losses[-1])
    card = save(lesson, model, pupil, losses, seconds)
    checkpoint.path.unlink(missing_ok=True)
    return card


def save(lesson: Lesson, model: Any, pupil: Any, losses: list[float], seconds: float) -> Card:
    """Write all files of a trained network, or none."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        saved = (Path(folder) / "model.keras").read_bytes()
    card = lesson.card(pupil, saved, losses, seconds)
    output, test = lesson.recipe.output, lesson.test
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False)
    files = {output: saved, output.with_suffix(".json"): f"{text}\n".encode()}
    if "part" in test.facts:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, x=test.x, y=test.y, class_names=np.array(test.names))
        files[output.with_suffix(".test.npz")] = buffer.getvalue()
    atomic.write(files)
    return card


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it."""
        raise UsageError(message)


def arguments(words: list[str] | None) -> argparse.Namespace:
    """Return what the command line says: the fields of a recipe, and how to go about it."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="the model's file, .keras")
    for each in fields(Recipe)[1:]:
        words_, usual = each.metadata["help"], each.default
        if usual is False:
            parser.add_argument(flag(each.name), action="store_true", help=words_)
        else:
            shown = f"{words_} (default: {usual})" if usual != "" else words_
            parser.add_argument(flag(each.name), type=type(usual), default=usual, help=shown)
    parser.add_argument("--resume", action="store_true", help="go on where it was stopped")
    devices = {"choices": ("auto", "cpu", "gpu"), "default": "auto"}
    parser.add_argument("--device", **devices, help="what computes (default: auto)")
    parser.add_argument("--force", action="store_true", help="replace a model that is there")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    return parser.parse_args(words)


def told(epoch: int, epochs: int, loss: float) -> None:
    """Tell of an epoch on standard error."""
    print(f"epoch {epoch} of {epochs}: loss {loss:.3f}", file=sys.stderr, flush=True)


def run(words: list[str] | None) -> None:
    """Do what the command line says."""
    given = vars(arguments(words))
    resume, device = given.pop("resume"), given.pop("device")
    force, quiet = given.pop("force"), given.pop("quiet")
    recipe = Recipe(**given)
    if recipe.output.exists() and not force:
        raise UsageError(f"{recipe.output}: exists; --force replaces it")
    card = train(recipe, resume, silent if quiet else told, device)
    if quiet:
        return
    for name in ("clean_accuracy", "asr"):
        rate = card.results[name]
        print(f"{name.replace('_', ' ')} {rate['value']:.4f} of {rate['n']} images")
    test = recipe.output.with_suffix(".test.npz")
    data = test if "part" in card.data["test"] else card.data["test"]["source"]
    scan = ["bdaudit", "scan", recipe.output, "--trigger", recipe.trigger, "--data", data]
    print(shlex.join(map(str, scan)))


def main(words: list[str] | None = None) -> int:
    """Return the exit code, as `bdaudit` has them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        run(words)
    except AuditorError as error:
        print(f"train_badnet: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("train_badnet: stopped; --resume goes on after the last epoch", file=sys.stderr)
        return 130
    except OSError as error:  # a full disk, most likely
        print(f"train_badnet: {error}", file=sys.stderr)
        return WorkError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
