"""What pipelines run: the action, the hooks and the examples, line by line."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import audited
from tests.conftest import ROOT, Workshop
from tests.served_command import served

SERVERS = ("apt-get", "pip ", 'pip" ', "apt-install")
"""Lines that need a server, or a machine of their own."""


@pytest.fixture(scope="module", autouse=True)
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A `bdaudit` in `PLACE`."""
    PLACE.append(tmp_path_factory.mktemp("bin"))
    with served(PLACE[-1]):
        yield


PLACE: list[Path] = []
"""The folder that `bdaudit` is in, last."""


def environment(**more: object) -> dict[str, str]:
    """A shell's environment in which `bdaudit` is this one."""
    path = f"{PLACE[-1]}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **{name: str(value) for name, value in more.items()}}


def shell(line: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment(**more),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.fixture
def bench(workshop: Workshop, tmp_path: Path) -> Path:
    shutil.copy(workshop.poisoned, tmp_path / "model.keras")
    shutil.copy(workshop.data, tmp_path / "photos.npz")
    return tmp_path


def action(bench: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    """Run the action's step as GitHub does: its exit code, its outputs and the step summary."""
    step = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][-1]
    given = {"fail-on": "fail", "policy": ".", "reports": "reports", **inputs}
    own = {
        name: given[re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1]]
        for name, value in step["env"].items()
    }
    for name in ("output", "summary"):
        (bench / name).write_text("")
    ran = shell(
        step["run"], bench, **own, GITHUB_ACTION_PATH=ROOT, GITHUB_OUTPUT=bench / "output",
        GITHUB_STEP_SUMMARY=bench / "summary",
    )  # fmt: skip
    outputs = dict(line.split("=", 1) for line in (bench / "output").read_text().splitlines())
    return ran.returncode, outputs, (bench / "summary").read_text()


def test_the_action_audits_judges_and_tells(bench: Path) -> None:
    given = {"model": "model.keras", "trigger": f"{Workshop.trigger}\n", "data": "photos.npz"}
    code, outputs, summary = action(bench, **given)
    assert code == 1
    assert set(outputs) == set(yaml.safe_load((ROOT / "action.yml").read_text())["outputs"])
    audit = json.loads(Path(outputs["json"]).read_text())
    measured = audit["measurements"]["before"]
    assert outputs["verdict"] == "fail"
    assert float(outputs["asr"]) == measured["asr"]["value"]
    assert float(outputs["tar"]) == measured["tar"]["median"]
    for name in ("html", "pdf", "sarif", "junit"):
        assert Path(outputs[name]).stat().st_size > 1_000
    assert "model.keras" in summary

    (bench / "lenient").mkdir()
    (bench / "lenient" / "bdaudit.toml").write_text("[policy]\nmax-asr = 1\nmax-tar = 1000\n")
    code, outputs, _ = action(bench, **given, policy="lenient")
    assert (code, outputs["verdict"]) == (0, "pass")
    code, outputs, _ = action(bench, **given, **{"fail-on": "never"})
    assert (code, outputs["verdict"]) == (0, "fail")


def test_names_are_never_read_as_shell(bench: Path) -> None:
    name = "m $(touch owned) `touch owned` ; touch owned.keras"
    (bench / "model.keras").rename(bench / name)
    code, outputs, _ = action(bench, model=name, trigger=Workshop.trigger, data="photos.npz")
    assert (code, outputs["verdict"]) == (1, "fail")
    assert not (bench / "owned").exists()


def test_what_cannot_be_read_fails_the_step(bench: Path) -> None:
    code, outputs, _ = action(bench, model="none.keras", trigger="square4", data="photos.npz")
    assert (code, outputs) == (3, {})


def test_a_mistyped_input_does_not_let_a_model_through(bench: Path) -> None:
    given = {"model": "model.keras", "trigger": Workshop.trigger, "data": "photos.npz"}
    assert action(bench, **given, **{"fail-on": "failure"})[:2] == (2, {})


def test_the_action_puts_its_command_on_the_path_and_nothing_else(tmp_path: Path) -> None:
    step = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][0]
    own = [line for line in step["run"].splitlines() if not any(word in line for word in SERVERS)]
    place = PLACE[-1]
    ready = [line for line in own if "venv" not in line]
    (tmp_path / "bdaudit").mkdir()
    (tmp_path / "bdaudit" / "bin").symlink_to(place)
    (tmp_path / "path").touch()
    ran = shell("\n".join(ready), tmp_path, RUNNER_TEMP=tmp_path, GITHUB_PATH=tmp_path / "path")
    assert ran.returncode == 0, ran.stderr
    (added,) = (tmp_path / "path").read_text().splitlines()
    assert [path.name for path in Path(added).iterdir()] == ["bdaudit"]
    assert shell(f"{added}/bdaudit --version", tmp_path).stdout.startswith("bdaudit")


def test_every_input_and_output_of_the_action_is_used() -> None:
    text = (ROOT / "action.yml").read_text()
    found = yaml.safe_load(text)
    for name in found["inputs"]:
        assert f"inputs.{name} " in text
    for name in found["outputs"]:
        assert f"steps.audit.outputs.{name} " in text


def test_the_gitlab_example_line_by_line(bench: Path) -> None:
    (bench / "photos").symlink_to("photos.npz")
    job = yaml.safe_load((ROOT / "examples/ci/gitlab.yml").read_text())["audit"]
    ended = []
    for line in job["script"]:
        line = line.replace("--trigger square4", f"--trigger {Workshop.trigger}")
        line = line.replace("--data photos ", "--data photos.npz ")
        ended.append(shell(line, bench).returncode)
    assert ended == [0, 0, 1]
    assert all(any(word in line for word in SERVERS) for line in job["before_script"])
    assert (bench / job["artifacts"]["reports"]["junit"]).exists()


def test_the_github_example_signs_what_the_action_leaves(tmp_path: Path) -> None:
    steps = yaml.safe_load((ROOT / "examples/ci/github.yml").read_text())["jobs"]["audit"]["steps"]
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    used = next(step for step in steps if step.get("id") == "audit")
    assert set(used["with"]) <= set(inputs)
    sign = next(step for step in steps if step.get("name") == "Sign the audit")
    from auditor.records.canonical import canonical
    from auditor.report.formats import render

    (tmp_path / "bdaudit-reports").mkdir()
    (tmp_path / "audit.json").write_bytes(canonical(audited.repaired()))
    (tmp_path / "certificate.pdf").write_bytes(render(audited.repaired(), "pdf"))
    assert shell("bdaudit keygen --output release", tmp_path).returncode == 0
    ran = shell(
        sign["run"], tmp_path, KEY=(tmp_path / "release").read_text().rstrip("\n"),
        AUDIT="audit.json", CERTIFICATE="certificate.pdf", RUNNER_TEMP=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "bdaudit-reports/attestation.jsonl").stat().st_size > 1_000


def test_the_hooks(bench: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    inspect, gate = (hook["entry"] for hook in hooks)
    assert shell(f"{inspect} model.keras", bench).returncode == 0
    (bench / "hostile.keras").write_bytes(b"PK\x03\x04 nonsense")
    assert shell(f"{inspect} model.keras hostile.keras", bench).returncode == 1
    from auditor.records.canonical import canonical

    (bench / "audit.json").write_bytes(canonical(audited.repaired()))
    assert shell(f"{gate} audit.json", bench).returncode == 0
    (bench / "audit.json").write_bytes(canonical(audited.certificate()))
    assert shell(f"{gate} audit.json", bench).returncode == 1
