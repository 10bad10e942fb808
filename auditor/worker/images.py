"""The images of a job, their classes in the order of the model's outputs, those that it may use."""

from typing import TYPE_CHECKING

from auditor.worker.tell import Job

if TYPE_CHECKING:
    from auditor.data.base import Dataset
    from auditor.models.classifier import Classifier


def open_images(path: str, job: Job) -> "Dataset":
    """Open images, their classes in the order that the job says."""
    from auditor.data import open_source
    from auditor.data.class_order import ClassOrder
    from auditor.files.codec import from_json, no_array

    order = job["class_order"]
    known = isinstance(order, str)
    settled = order if known else from_json(ClassOrder, order, no_array)
    return open_source(path, settled, exif=job["exif"])


def ordered(dataset: "Dataset", classifier: "Classifier", job: Job, batch_size: int) -> "Dataset":
    """Return images whose order of classes is settled, before any of them are drawn by class."""
    from auditor.data.base import check_labels
    from auditor.measure.preflight import settled

    if not dataset.orders:
        return dataset
    check_labels(dataset, classifier.classes, job["name"])
    return settled(classifier, dataset, batch_size, 0)


def to_search(dataset: "Dataset", classifier: "Classifier", job: Job, batch_size: int) -> "Dataset":
    """Return images to search with: where a repair will follow, those that it will use."""
    from auditor.data.subset import Subset
    from auditor.repair.budget import budgeted

    if "of_these" not in job:
        return dataset
    dataset = ordered(dataset, classifier, job, batch_size)
    return Subset(dataset, budgeted(dataset, **job["of_these"]))


def to_judge(dataset: "Dataset", classifier: "Classifier", job: Job, batch_size: int) -> "Dataset":
    """Return images to judge by: all of them but those that a repair of the same data uses."""
    from auditor.data.subset import Subset
    from auditor.repair.budget import rest

    dataset = ordered(dataset, classifier, job, batch_size)
    if "all_but" in job:
        return Subset(dataset, rest(dataset, **job["all_but"]))
    return dataset
