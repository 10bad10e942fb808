"""The images of a job, their classes in the order of the model's outputs, those that it may use."""

from typing import TYPE_CHECKING

from auditor.errors import InputError
from auditor.text import printable
from auditor.worker.tell import Job

if TYPE_CHECKING:
    from auditor.data.base import Dataset
    from auditor.figures.target import Target
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
    if "named_by" in job and dataset.class_names is None:
        other = ordered(open_images(job["named_by"], job), classifier, job, batch_size)
        share_names(dataset, other, classifier.classes)
    if "all_but" in job:
        return Subset(dataset, rest(dataset, **job["all_but"]))
    return dataset


def share_names(one: "Dataset", other: "Dataset", classes: int) -> None:
    """Call the classes of a repair's images alike where only one of both sources has names.

    Args:
        one: Images of a source.
        other: Images of another one, for the same model.
        classes: The model's; names for another number of classes are none of its.
    """
    for bare, named in ((one, other), (other, one)):
        if bare.class_names is None and len(named.class_names or ()) == classes:
            bare.class_names, bare.class_order = named.class_names, named.class_order


def check_target(data: "Dataset", evaluation: "Dataset", target: "Target") -> None:
    """Refuse images to repair with that call the target otherwise than those that judge.

    Raises:
        InputError: Both sources have names, and not the same for that class.
    """
    ours, theirs, number = data.class_names or (), evaluation.class_names or (), target.class_
    if number is None or len(ours) != len(theirs) or sorted(ours) == sorted(theirs):
        return  # of another number, or in another order, is said where all data is looked at
    if ours[number] != target.name:
        raise InputError(
            f"{printable(data.source)}: calls class {number} {printable(ours[number], 60)}, but "
            f"{printable(evaluation.source)} calls it {printable(target.name, 60)}; give both the "
            "same names"
        )
