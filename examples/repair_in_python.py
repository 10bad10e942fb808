"""The repair as a library: `python examples/repair_in_python.py MODEL.keras CLEAN TRIGGER TARGET`.

Everything runs in this process, so use it on models that you made yourself. Any Keras callback can
ride along; what watches from the command line (`auditor.monitor`) can watch here too.
"""

import sys

import keras

import auditor
from auditor.figures.target import Target
from auditor.repair.observer import Observer


class Printer(Observer):
    """Prints every epoch."""

    def begin(self, plan) -> None:
        """Hear what is about to be done."""
        print(f"{plan.training} images to train on, {plan.validation} to judge by")

    def epoch(self, epoch) -> None:
        """Hear of a finished epoch, judged on images that are not trained on."""
        asr, accuracy = epoch.asr.value, epoch.clean_accuracy.value
        print(f"{epoch.epoch:2} {epoch.phase:10} ASR {asr:.3f}, accuracy {accuracy:.3f}")


def main(model: str, clean: str, trigger: str, target: str) -> None:
    """Repair a model and save it beside the old one."""
    classifier = auditor.load_classifier(model)
    task = auditor.RepairTask(
        classifier=classifier,
        data=auditor.open_source(clean),
        trigger=auditor.load_trigger(trigger),
        target=Target(int(target), target, "given"),
    )
    options = auditor.RepairOptions.of("balanced", learning_rate=1e-3)
    halt = keras.callbacks.TerminateOnNaN()
    result = auditor.repair_classifier(task, options, watcher=Printer(), callbacks=[halt])
    print(result.reason)
    if result.kept is not None:
        classifier.model.save("repaired.keras")


if __name__ == "__main__":
    main(*sys.argv[1:])
