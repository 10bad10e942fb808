"""What a worker can be told to do: one function a kind of job.

Each is given the job, the folder that it may write in, and whom to tell how far it is. Whatever
could run the content of a model is imported after the model file was looked at.
"""

import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import InputError, Interrupted, WorkError
from auditor.text import printable
from auditor.worker.downloads import download, fetch
from auditor.worker.images import (
    check_target,
    open_images,
    ordered,
    share_names,
    to_judge,
    to_search,
)
from auditor.worker.reactivation import reactivation
from auditor.worker.sandbox.limits import computing
from auditor.worker.suspect import (
    SECONDS_TO_CHECK,
    checked,
    classifier_of,
    compute_device,
    looked_at,
)
from auditor.worker.tell import Job, Tell, progress

if TYPE_CHECKING:
    from auditor.models.inspect.inspection import Inspection
    from auditor.repair.base import Task


def scan(job: Job, folder: Path, tell: Tell) -> None:
    """Audit a model: load it, measure it under each trigger, leave `AuditResults`."""
    inspection = looked_at(job, tell)  # first: what is refused needs nothing else

    from auditor.measure.audit import audit_all
    from auditor.measure.options import Options
    from auditor.models.devices import memory_advice
    from auditor.triggers.build import build
    from auditor.worker import exchange

    device = compute_device(job, tell)
    triggers = [build(fields) for fields in job["triggers"]]
    dataset = open_images(job["data"], job)
    options = Options(**job["options"])
    otherwise = "" if device.gpus else ", or a larger --memory-limit"
    with memory_advice(options.batch_size, otherwise):
        classifier = classifier_of(job, inspection, dataset.image_size(), tell)
        dataset = to_judge(dataset, classifier, job, options.batch_size)
        results = audit_all(classifier, dataset, triggers, options, progress=progress(tell))
    exchange.save(results, folder)


def repair(job: Job, folder: Path, tell: Tell) -> None:
    """Repair a model: leave a `RepairResult`, and `repaired.*` where one was worth keeping."""
    from auditor.files.codec import from_json, no_array
    from auditor.models.loading import save
    from auditor.repair.base import repair as train
    from auditor.repair.options import RepairOptions
    from auditor.repair.place import place
    from auditor.worker import exchange
    from auditor.worker.relay import Sender

    stop = threading.Event()
    options = from_json(RepairOptions, job["options"], no_array)
    inspection = looked_at(job, tell)
    with place(compute_device(job, tell)) as where:
        task = _task(job, inspection, tell)
        try:
            result = train(
                task,
                options,
                place=where,
                watcher=Sender(tell, folder, stop),
                checkpoints=Path(job["checkpoints"]),
                identity=job["identity"],
                resume=job["resume"],
                progress=progress(tell),
                stop=stop.is_set,
            )
        except Interrupted:
            raise WorkError("the training was asked to stop; go on with --resume") from None
        if result.kept is not None:
            save(task.classifier, folder / job["repaired"])
    exchange.save(result, folder)


def search(job: Job, folder: Path, tell: Tell) -> None:
    """Search a model for a trigger that nobody knows: leave a `SearchResult`."""
    from auditor.files.codec import from_json, no_array
    from auditor.models.devices import memory_advice
    from auditor.repair.place import place
    from auditor.search.base import search as look
    from auditor.search.options import SearchOptions
    from auditor.worker import exchange

    inspection, asked = looked_at(job, tell), threading.Event()

    def stop() -> bool:  # from the first step on there is something to put away
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        return asked.is_set()

    options = from_json(SearchOptions, job["options"], no_array)
    dataset = open_images(job["data"], job)
    device = compute_device(job, tell)
    one = replace(device, gpus=device.gpus[:1])
    with place(one), memory_advice(options.batch_size, otherwise=""):
        classifier = classifier_of(job, inspection, dataset.image_size(), tell)
        result = look(
            classifier,
            to_search(dataset, classifier, job, options.batch_size),
            options,
            progress=progress(tell),
            checkpoints=Path(job["checkpoints"]),
            identity=job["identity"],
            resume=job["resume"],
            stop=stop,
        )
    exchange.save(result, folder)


def _task(job: Job, inspection: "Inspection", tell: Tell) -> "Task":
    from auditor.data.base import sample
    from auditor.data.subset import Subset
    from auditor.figures.target import Target
    from auditor.files.codec import from_json, no_array
    from auditor.models.output_format import check_form
    from auditor.repair.base import Task
    from auditor.triggers.build import build

    check_form(inspection.format, Path(job["repaired"]).suffix)
    data = open_images(job["data"], job)
    classifier = classifier_of(job, inspection, data.image_size(), tell)
    size = job["options"]["batch_size"]
    data = ordered(data, classifier, job, size)
    evaluation = to_judge(open_images(job["evaluation"], job), classifier, job, size)
    share_names(data, evaluation, classifier.classes)
    target = from_json(Target, job["target"], no_array)
    check_target(data, evaluation, target)
    evaluation = Subset(evaluation, sample(evaluation, job["limit"], job["seed"]))
    return Task(
        classifier=classifier,
        data=data,
        trigger=build(job["triggers"][0]),
        target=target,
        name=job["name"],
        evaluation=evaluation,
        layer=job["layer"],
        object_region=job["object_region"],
        max_asr=job["max_asr"],
        max_tar=job["max_tar"],
    )


def inspect(job: Job, folder: Path, tell: Tell) -> None:
    """Look at a model file, and leave everything that is found."""
    from auditor.models.inspect import examine
    from auditor.models.inspect.ports import Ports, ports
    from auditor.worker import exchange

    found = checked(examine, job, tell)
    said = Ports()
    if not found.findings:
        with computing(SECONDS_TO_CHECK):
            said = ports(Path(job["model"]), found, printable(job["name"]))
            said = said.of(job.get("model_output"))
    exchange.save(said, folder, "ports")
    exchange.save(replace(found, config={}), folder)


def external_files(job: Job, folder: Path, tell: Tell) -> None:
    """Say which files beside an ONNX file its numbers are in."""
    from auditor.models.inspect import external_files as look
    from auditor.worker.exchange import write_result

    with computing(SECONDS_TO_CHECK):
        write_result({"names": look(Path(job["model"]), job["name"])}, folder)


def describe(job: Job, folder: Path, tell: Tell) -> None:
    """Load a model and say what goes in and out of it; where asked, how many images there are."""
    from auditor.worker.exchange import write_result

    classifier = classifier_of(job, looked_at(job, tell), (0, 0), tell)
    facts = {
        "input_shape": [*classifier.size, classifier.channels],
        "classes": classifier.classes,
    }
    if job.get("counts"):
        facts["images"] = len(open_images(job["data"], job))
    write_result(facts, folder)


def layers(job: Job, folder: Path, tell: Tell) -> None:
    """Load a model and list the layers that heatmaps can be read at."""
    from auditor.models.inspect.ports import HeatmapLayer, HeatmapLayers
    from auditor.worker import exchange

    classifier = classifier_of(job, looked_at(job, tell), (224, 224), tell)
    found = (
        HeatmapLayer(s.path[:500], s.node[:500], s.kind[:500], s.grid, s.channels)
        for s in classifier.spatial_layers()
    )
    exchange.save(HeatmapLayers(tuple(found)), folder)


def probe(job: Job, folder: Path, tell: Tell) -> None:
    """Try what a confined worker must not be able to do; no model is near."""
    from auditor.worker.exchange import write_result
    from auditor.worker.sandbox.probe import attempt

    write_result(attempt(Path(job["secret"])), folder)


def compute(job: Job, folder: Path, tell: Tell) -> None:
    """Compute something, and say what computed it and how far off it was; no model is near."""
    from auditor.measure.provenance import engine
    from auditor.models.devices import product_error
    from auditor.worker.exchange import write_result

    device = compute_device(job, tell)
    facts = asdict(engine())
    write_result({**facts, "gpus": device.gpus, "error": product_error()}, folder)


def show(job: Job, folder: Path, tell: Tell) -> None:
    """Read a few images, stamp them, and leave both for a picture."""
    import numpy as np

    from auditor.data import open_source
    from auditor.data.base import sample
    from auditor.triggers.build import build
    from auditor.worker.exchange import write_result

    trigger = build(job["triggers"][0])
    dataset = open_source(job["data"])
    size = dataset.image_size()
    indices = sample(dataset, job["count"], job["seed"])
    batches = [b for b in dataset.batches(indices, size, job["count"]) if len(b.labels)]
    if not batches:
        raise InputError(f"{printable(job['data'])}: no images that can be read")
    images = np.concatenate([b.images for b in batches])
    np.savez(
        folder / "arrays.npz", images=images, stamped=trigger.stamp(images), mask=trigger.mask(size)
    )
    write_result({"sha256": trigger.sha256(), "summary": trigger.summary()}, folder)


def demo(job: Job, folder: Path, tell: Tell) -> None:
    """Train the demo's BadNet; leaves `model.keras` and `test.npz`."""
    from auditor.triggers.build import build
    from auditor.worker.badnet import make
    from auditor.worker.exchange import write_result

    compute_device(job, tell)
    make(folder, build(job["triggers"][0]), progress(tell))
    write_result({}, folder)


JOBS: dict[str, Callable[[Job, Path, Tell], None]] = {
    "scan": scan,
    "repair": repair,
    "search": search,
    "reactivation": reactivation,
    "inspect": inspect,
    "external_files": external_files,
    "describe": describe,
    "layers": layers,
    "fetch": fetch,
    "bring": download,
    "probe": probe,
    "compute": compute,
    "show": show,
    "demo": demo,
}
