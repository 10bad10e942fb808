"""What a campaign leaves: a table, a page of results, and a state to go on from."""

import json
import os
import platform
from collections import Counter
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import common
from tests.fuzz.campaign import LOADING_SECONDS, Campaign, Count, Finding

_HEADER = (
    "format", "inputs", "refused", "passed", "Keras builds", "refuses", "dies", "slowest check",
    "memory", "findings",
)  # fmt: skip
_PACKAGES = ("keras", "tensorflow", "h5py", "onnx", "protobuf", "PyYAML", "opencv-python")


def table(campaign: Campaign) -> str:
    """Return the counts in Markdown."""
    rows = [_row(campaign, name, count) for name, count in campaign.counts.items() if count.judged]
    return common.table(common.Page("", _HEADER, rows, []))


def write(campaign: Campaign, seconds: float, seed: int) -> None:
    """Write `tests/benchmarks/results/fuzzing.md`."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    found = [f"- {finding.name}: {finding.words.splitlines()[0]}" for finding in campaign.findings]
    text = f"""# Mutated files

- {date.today()}, `python -m tests.fuzz --minutes {seconds / 60:.0f} --seed {seed}`
- {os.cpu_count()} cores, {platform.system()}; load {os.getloadavg()[0]:.1f} at the end
- Python {platform.python_version()}, {packages}

{table(campaign)}

Each input is a small valid file of its format with one to a dozen changes: values, names, nodes,
links, messages, members or bytes. A confined worker looks at it as `bdaudit inspect` does; trigger
files are read and stamp an image; `audit` and `comparison` are JSON that a user is given, read,
rendered in every format but PDF and read back; `scanned`, `repaired` and `searched` are what a
worker leaves (results, messages, arrays), taken in as the parent does; `checkpoint` is one to go on
from, with digests that hold. Nothing but a refusal in one printable line or a result may come of
it, within 5 s of computing and 2 GiB, and no cell of a CSV may be a formula. A model that passes is
built by Keras in a confined worker, within {LOADING_SECONDS:.0f} s and 4 GiB; that the worker may
die there is why it is one. No file may be written outside, no server called.

Goal: no findings. Measured: {len(campaign.findings)}.
"""
    common.RESULTS.joinpath("fuzzing.md").write_text("\n".join([text, *found]), "utf-8")


def save(campaign: Campaign, seconds: float, path: Path) -> None:
    """Put away the counts, so that a campaign that was stopped can go on."""
    state = {
        "seconds": seconds,
        "counts": {name: vars(count) for name, count in campaign.counts.items()},
        "findings": [vars(finding) for finding in campaign.findings],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(state), "utf-8")


def resume(campaign: Campaign, path: Path) -> float:
    """Take up the counts of a campaign that was stopped; return the seconds it took."""
    if not path.exists():
        return 0.0
    state = json.loads(path.read_text("utf-8"))
    for name, count in state["counts"].items():
        judged, loaded = Counter(count.pop("judged")), Counter(count.pop("loaded"))
        campaign.counts[name] = Count(judged, loaded, **count)
    campaign.findings += [Finding(**finding) for finding in state["findings"]]
    return float(state["seconds"])


def _row(campaign: Campaign, name: str, count: Count) -> tuple[str, ...]:
    found = sum(finding.name.startswith(f"{name}-") for finding in campaign.findings)
    judged, loaded = count.judged, count.loaded
    built = [f"{loaded[key]:,}" if loaded else "" for key in ("loaded", "refused", "died")]
    return (
        name,
        f"{sum(judged.values()):,}",
        f"{judged['refused']:,}",
        f"{judged['passed']:,}",
        *built,
        f"{count.seconds:.1f} s",
        f"{count.memory} MiB",
        str(found),
    )
