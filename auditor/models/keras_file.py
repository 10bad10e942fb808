"""Build an inspected `.keras` or `.h5` file with Keras, and nothing else of it."""

import copy
import json
import math
import shutil
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import InputError, is_out_of_memory, reason
from auditor.models.ends import End, check_inputs, chosen_output
from auditor.models.inspect.architecture import parameters_allowed
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.keras_model import untranslated
from auditor.models.inspect.keras_outputs import Path as OutputPath
from auditor.models.inspect.keras_outputs import output_name
from auditor.models.inspect.keras_zip import CONFIG
from auditor.text import printable

if TYPE_CHECKING:
    import keras


def load(path: Path, inspection: Inspection, name: str) -> "keras.Model":
    """Load a model that `inspect` has accepted; never compiled, never with code from the file.

    Args:
        path: the file that was inspected.
        inspection: what `inspect` returned for it.
        name: what the user calls the file, for messages.

    Raises:
        InputError: Keras cannot build the model, or it needs far more weights than are stored.
    """
    import keras

    shown = printable(name)
    suffix = f".{inspection.format}"
    try:
        _check_parameters(inspection, shown)
        if path.suffix == suffix and not inspection.rewritten:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        else:
            with tempfile.TemporaryDirectory() as folder:
                scratch = Path(folder) / f"model{suffix}"
                _copy(path, inspection, scratch)
                model = keras.models.load_model(scratch, compile=False, safe_mode=True)
        _finalize(model)
    except InputError:
        raise
    except Exception as error:  # whatever Keras, h5py or the backend raise for a file they dislike
        said = printable(reason(error), 500)
        raise InputError(f"{shown}: Keras could not build this model: {said}") from None
    return model


def load_untranslated(
    path: Path, inspection: Inspection, model: "keras.Model"
) -> "keras.Model | None":
    """Load an `.h5` file as this Keras does by itself.

    It reads files of Keras 2 without translating them, and forgets what nested Normalization has
    learnt: where it can read such a file at all, it may make another model of it.

    Args:
        path: The file that was inspected.
        inspection: What `inspect` returned for it.
        model: What `load` made of it.

    Returns:
        None where that is the same model, or none at all.
    """
    import keras

    outer = {id(layer) for layer in model.layers}
    nested = [layer for layer in model._flatten_layers() if id(layer) not in outer]
    forgets = any(isinstance(layer, keras.layers.Normalization) for layer in nested)
    if inspection.format != "h5" or not (forgets or inspection.rewritten):
        return None
    config = untranslated(path)
    if config is None or (config == inspection.config and not forgets):
        return None
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "model.h5"
        _copy(path, replace(inspection, config=config), scratch)
        try:
            return keras.models.load_model(scratch, compile=False, safe_mode=True)
        except Exception as error:  # of all kinds, for a file that it cannot read
            if is_out_of_memory(error):
                raise
            return None


def one_output(
    model: "keras.Model", wanted: str | None, name: str
) -> tuple["keras.Model", OutputPath]:
    """Return a model that has the one output that is audited, of the same layers.

    Args:
        model: What `load` gave.
        wanted: The output's name; None for the only one.
        name: What the user calls the file, for messages.

    Returns:
        The model, and the way to that output in what `predict` gives; itself and no way where it
        gives nothing else.

    Raises:
        InputError: There are several, and none is named; or several inputs.
        UsageError: There is no output of that name.
    """
    import keras

    if not model.built or not getattr(model, "inputs", None):
        return model, ()  # `wrap` says so
    paths = [tuple(path) for path, _ in keras.tree.flatten_with_path(_given(model))]
    layers = [tensor._keras_history.operation.name for tensor in model.outputs]
    ends = [
        End(output_name(path, layer), tuple(tensor.shape))
        for path, layer, tensor in zip(paths, layers, model.outputs, strict=True)
    ]
    try:
        check_inputs([End(each.name, tuple(each.shape)) for each in model.inputs])
        place = chosen_output(ends, wanted)
    except InputError as error:
        raise InputError(f"{printable(name)}: {error}") from None
    if not paths[place]:
        return model, ()
    return keras.Model(model.inputs, model.outputs[place], name=model.name), paths[place]


def _given(model: "keras.Model") -> Any:
    """Return the tensors that a model gives, put together as `predict` does."""
    given = (getattr(model, "_functional", None) or model)._outputs_struct
    return given[0] if isinstance(given, list | tuple) and len(given) == 1 else given


def asks_for_xla(path: Path, inspection: Inspection) -> bool:
    """Whether `load_model` makes a model of the file that TensorFlow compiles with XLA."""
    import keras

    if inspection.format != "keras" or keras.backend.backend() != "tensorflow":
        return False
    with zipfile.ZipFile(path) as archive:
        compiled = json.loads(archive.read(CONFIG)).get("compile_config")
    return isinstance(compiled, dict) and compiled.get("jit_compile") not in (None, False)


def _finalize(model: "keras.Model") -> None:
    """Let Normalization use the weights just read; for HDF5 Keras does so at the top level only."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            _finalize(layer)
        elif isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _copy(path: Path, inspection: Inspection, target: Path) -> None:
    """Write the file again with the inspected architecture in place of its own."""
    architecture = json.dumps(inspection.config)
    if inspection.format == "h5":
        import h5py

        shutil.copyfile(path, target)
        with h5py.File(target, "r+") as file:
            del file.attrs["model_config"]
            file.attrs["model_config"] = architecture
        return
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            if member == CONFIG:
                new.writestr(CONFIG, architecture)
                continue
            with old.open(member) as source, new.open(member, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink)


def _check_parameters(inspection: Inspection, shown: str) -> None:
    """Build the model without its weights to count them, so that no false claim is allocated.

    A layer that insists on making a variable at once (a random seed) stops the rehearsal; the
    worker's memory limit then stands alone.
    """
    with ThreadPoolExecutor(1) as aside:  # Keras' global state is each thread's own: none stays
        declared = aside.submit(_declared, inspection.config).result()
    if declared > parameters_allowed(inspection.stored):
        raise InputError(
            f"{shown}: the architecture needs {declared} parameters but the file stores "
            f"{inspection.stored}; it was not saved by Keras like this"
        )


def _declared(config: dict[str, Any]) -> int:
    """Return how many parameters an architecture has; 0 where the rehearsal stops."""
    import keras

    kind = keras.Sequential if config["class_name"] == "Sequential" else keras.Model
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = kind.from_config(copy.deepcopy(config["config"]))
            return sum(math.prod(variable.shape) for variable in model.variables)
    except Exception:  # the real load follows and reports what is wrong
        return 0
