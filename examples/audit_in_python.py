"""The audit as a library: `python examples/audit_in_python.py MODEL.keras DATA TRIGGER`.

Everything runs in this process, so use it on models that you made yourself; the command line loads
the model in a process of its own.
"""

import sys

import auditor


def main(model: str, data: str, trigger: str) -> None:
    """Print the verdict and the figures that carry it."""
    classifier = auditor.load_classifier(model)
    result = auditor.audit(
        classifier,
        auditor.open_source(data),
        auditor.load_trigger(trigger),
        auditor.Options(limit=1000),
    )
    verdict = auditor.judge(result.measurement, auditor.Limits(max_asr=0.05), classifier.classes)
    print(verdict.status)
    for check in verdict.checks:
        print(f"  {check.metric}: {check.value} (judged: {check.bound}, limit {check.limit})")


if __name__ == "__main__":
    main(*sys.argv[1:])
