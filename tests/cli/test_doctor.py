"""`bdaudit doctor`: what is there, what is not, and what mends it."""

import re

from tests.conftest import Ran, bdaudit


def findings(ran: Ran) -> dict[str, str]:
    return {line[6:].split()[0]: line for line in ran.out.splitlines() if line[:4].strip()}


def test_a_machine_where_everything_is_there() -> None:
    ran = bdaudit("doctor", KERAS_BACKEND="")
    assert (ran.code, ran.err) == (0, "")
    found = findings(ran)
    for name in ("Python", "OpenCV", "PDF", "demo", "tensorflow"):
        assert found[name].startswith("ok "), ran.out
    assert ", Keras 3." in found["tensorflow"]
    assert re.search(r"a product is \de-0[6-8] off; used by scan, repair, search", ran.out)
    assert "WeasyPrint" in found["PDF"]
    assert {"GPU", "sandbox", "TensorBoard", "onnxruntime"} <= set(found)
    assert "LACK" not in ran.out


def test_a_backend_that_there_is_not() -> None:
    ran = bdaudit("doctor", KERAS_BACKEND="open\x1b[2Jvino")
    assert (ran.code, ran.err) == (3, "")
    assert findings(ran)["backend"].startswith("LACK")
    assert "not supported; use one of tensorflow, jax, torch" in ran.out
    assert "mend with: export KERAS_BACKEND=tensorflow" in ran.out
    assert "\x1b" not in ran.out
