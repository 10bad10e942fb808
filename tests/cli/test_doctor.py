"""`bdaudit doctor` on a machine where everything that audits need is there."""

from tests.conftest import bdaudit


def test_doctor() -> None:
    ran = bdaudit("doctor")
    assert (ran.code, ran.err) == (0, "")
    found = {line[6:].split()[0]: line for line in ran.out.splitlines() if line[:4].strip()}
    for name in ("Python", "OpenCV", "PDF", "Keras", "backend"):
        assert found[name].startswith("ok "), ran.out
    assert "tensorflow 2." in found["backend"]
    assert "WeasyPrint" in found["PDF"]
    assert {"GPU", "sandbox"} <= set(found)
    assert "LACK" not in ran.out
