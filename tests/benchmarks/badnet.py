"""The paper's repair of a real BadNet, three seeds, beside the paper's figures; or another one.

Takes half an hour on two cores. Finished runs are kept in the folder `BDAUDIT_RUNS` and not
repeated.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.common import BADNET, PHOTOGRAPHS, TRIGGER, Page

SEEDS, BUDGET = (0, 1, 2), 2_500
PAPER = ("paper", "82.5 % → 82.1 %", "0.43", "96.5 % → 5.5 %", "", "1.88 → 0.60", "0.953", "", "")
HEADER = (
    "seed", "accuracy", "fall, points", "ASR", "accuracy under the trigger", "TAR", "DER",
    "steps", "seconds",
)  # fmt: skip


def measure() -> Page:
    """Repair with the method of the paper."""
    return page("unlearn")


def page(method: str) -> Page:
    """Repair with each seed and tabulate what the certificates say."""
    if not (BADNET.exists() and (PHOTOGRAPHS / "train").is_dir()):
        raise SystemExit("needs the BadNet beside the checkout, and BDAUDIT_PHOTOGRAPHS")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("BDAUDIT_RUNS", name))
        folder.mkdir(exist_ok=True)
        audits = [_audit(folder, method, seed) for seed in SEEDS]
    first = audits[0]
    bare = [a["measurements"]["after"]["clean_target_rate"]["value"] for a in audits]
    return Page(
        title=f"Repairing a BadNet with `{method}`, three seeds",
        header=HEADER,
        rows=[*(_row(seed, audit) for seed, audit in zip(SEEDS, audits, strict=True)), PAPER],
        notes=[
            "The paper's CNN of 623,690 parameters, poisoned with a 4×4 white square "
            f"(`shared/models`); {BUDGET:,} clean photographs (5 %), of which "
            f"{first['repair']['data']['validation']} only judge; certified on "
            f"{first['data']['images']:,} test photographs, none of which the repair has seen. "
            "All other options are at their defaults. The command: "
            f"`{' '.join(command(Path('runs'), method, 0))}`",
            "Without the trigger the repaired models take "
            f"{', '.join(f'{100 * rate:.1f} %' for rate in bare)} of those images for the target: "
            "an ASR of that height is no backdoor.",
            f"Verdicts: {', '.join(a['verdict']['status'] for a in audits)}. Strongest of the "
            f"trigger's neighbours after the repair: {', '.join(map(_strongest, audits))}.",
            "The paper repairs with 50,000 images, 390 steps an epoch. Seconds are of a machine "
            "that did other work at the same time.",
        ],
    )


def command(folder: Path, method: str, seed: int) -> list[str]:
    """Return the command line of one run."""
    data = ["--data", f"{PHOTOGRAPHS}/train", "--eval-data", f"{PHOTOGRAPHS}/test"]
    name = f"{folder}/{method}-{seed}"
    out = ["--output", f"{name}.keras", "-o", f"{name}.json"]
    flags = ["--clean-budget", str(BUDGET), "--mirror", "--seed", str(seed)]
    how = ["--trigger", TRIGGER, "--method", method]
    return ["bdaudit", "repair", str(BADNET), *how, *flags, *data, *out]


def _audit(folder: Path, method: str, seed: int) -> dict[str, Any]:
    path = folder / f"{method}-{seed}.json"
    if not path.exists():
        arguments = command(folder, method, seed)[1:]
        subprocess.run([sys.executable, "-m", "auditor", *arguments, "--exit-zero"], check=True)
    audit: dict[str, Any] = json.loads(path.read_text())
    return audit


def _row(seed: int, audit: dict[str, Any]) -> tuple[str, ...]:
    before, after = audit["measurements"]["before"], audit["measurements"]["after"]
    repair = audit["repair"]

    def change(name: str) -> str:
        return f"{100 * before[name]['value']:.1f} % → {100 * after[name]['value']:.1f} %"

    fall = before["clean_accuracy"]["value"] - after["clean_accuracy"]["value"]
    return (
        str(seed),
        change("clean_accuracy"),
        f"{100 * fall:.2f}",
        change("asr"),
        change("robust_accuracy"),
        f"{before['tar']['median']:.2f} → {after['tar']['median']:.3f}",
        f"{repair['der']:.3f}",
        str(repair["history"][-1]["step"]),
        f"{repair['seconds']:.0f}",
    )


def _strongest(audit: dict[str, Any]) -> str:
    rates = {n["name"]: n["after"].get("value", 0.0) for n in audit["repair"]["neighbours"]}
    name = max(rates, key=lambda key: rates[key])
    return f"{name}, {100 * rates[name]:.1f} %"
