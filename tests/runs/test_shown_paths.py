"""What of a path a published record shows."""

from pathlib import Path

import pytest

from auditor.runs.shown_paths import shown_command, shown_path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("model.keras", "model.keras"),
        ("models/m.keras", "models/m.keras"),
        ("./models/m.keras", "./models/m.keras"),
        ("{here}/models/m.keras", "models/m.keras"),
        ("{here}/../outside/m.keras", "m.keras"),
        ("../secret/m.keras", "m.keras"),
        ("/home/alice/clients/acme/m.keras", "m.keras"),
        ("/home/alice/photos/", "photos"),
        ("~alice/m.keras", "m.keras"),
        ("cifar10:test", "cifar10:test"),
        ("/", "/"),
    ],
)
def test_what_lies_elsewhere_is_named_only(
    path: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(path.format(here=tmp_path)) == shown


def test_a_command_line_keeps_all_but_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = (
        f"bdaudit scan '{tmp_path}/my model.keras' --trigger /home/alice/t.yaml#one --data "
        "/mnt/acme/photos --object-region=/home/alice/mask.npz -o out/a.html --max-asr 0.1"
    )
    assert shown_command(given) == (
        "bdaudit scan 'my model.keras' --trigger 't.yaml#one' --data photos "
        "--object-region=mask.npz -o out/a.html --max-asr 0.1"
    )
    assert shown_command("auditor.runs.scan") == "auditor.runs.scan"
    assert shown_command("an 'open quote") == "an 'open quote"
