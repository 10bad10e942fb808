"""The job that tries what brings the backdoor of a repaired model back."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import InputError
from auditor.text import printable
from auditor.worker.images import check_target, open_images, share_names, to_judge, to_search
from auditor.worker.suspect import classifier_of, compute_device, looked_at
from auditor.worker.tell import Job, Tell, progress

if TYPE_CHECKING:
    from auditor.models.classifier import Classifier
    from auditor.probe.task import ProbeTask


def reactivation(job: Job, folder: Path, tell: Tell) -> None:
    """Load a repaired model and the one before, try all probes, leave a `Reactivation`."""
    earlier = {k: v for k, v in job.items() if k != "model_folder"} | job["before"]
    inspections = looked_at(earlier, tell), looked_at(job, tell)

    from auditor.files.codec import from_json, no_array
    from auditor.models.devices import memory_advice
    from auditor.probe.base import probe
    from auditor.probe.options import ProbeOptions
    from auditor.repair.place import place
    from auditor.worker import exchange

    options = from_json(ProbeOptions, job["options"], no_array)
    device = compute_device(job, tell)
    with (
        place(replace(device, gpus=device.gpus[:1])) as where,
        memory_advice(options.judged_at_once, otherwise=""),
    ):
        size = open_images(job["data"], job).image_size()
        before, after = (
            classifier_of(one, inspection, size, tell)
            for one, inspection in zip((earlier, job), inspections, strict=True)
        )
        check_alike(before, after, printable(earlier["name"]), printable(job["name"]))
        task = _task(job, before, after, options.judged_at_once)
        result = probe(task, options, place=where, progress=progress(tell))
    exchange.save(result, folder)


def check_alike(before: "Classifier", after: "Classifier", name: str, other: str) -> None:
    """Refuse a model and its repair that do not take the same images, or tell other classes apart.

    Raises:
        InputError: They do not.
    """
    shapes = [(*one.size, one.channels, one.classes) for one in (before, after)]
    if shapes[0] != shapes[1]:
        one, two = (f"{h}×{w}×{c} with {n} classes" for h, w, c, n in shapes)
        raise InputError(f"{name} is {one}, {other} is {two}: give a model and its repair")


def _task(job: Job, before: "Classifier", after: "Classifier", batch_size: int) -> "ProbeTask":
    """Return what is probed, with the images that tune and those that judge."""
    from auditor.data.base import check_labels, sample
    from auditor.data.subset import Subset
    from auditor.figures.target import Target
    from auditor.files.codec import from_json, no_array
    from auditor.probe.task import ProbeTask
    from auditor.triggers.build import build

    judging = to_judge(open_images(job["evaluation"], job), after, job, batch_size)
    tuning = to_search(open_images(job["data"], job), after, job, batch_size)
    for data in (tuning, judging):
        check_labels(data, after.classes, job["name"])
    share_names(tuning, judging, after.classes)
    target = from_json(Target, job["target"], no_array)
    check_target(tuning, judging, target)
    return ProbeTask(
        before=before,
        after=after,
        trigger=build(job["triggers"][0]),
        target=target,
        tuning=tuning,
        judging=Subset(judging, sample(judging, job["limit"], job["seed"])),
    )
