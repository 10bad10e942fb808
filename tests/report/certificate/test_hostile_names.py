"""Names that try to break out of the report, from real files through the real command.

Two scans carry every attack: one in the class names of an `.npz`, the trigger's id and the files'
own names, one in the names of photographs that are listed as unreadable.
"""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import Ran, Workshop, bdaudit
from tests.report.browser import needs_browser, open_page, requests

HIDDEN = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff]"
)
"""What may move a cursor, reorder a line or vanish, the ends of lines aside."""

MARKUP = (
    "<script>document.title='owned'</script></style></title></code>"
    "\" onload=\"document.title=1\" ' onerror='document.title=1' javascript:alert(1)"
    "<img src=http://127.0.0.1:{port}/a><svg/onload=document.title=1>"
)
STYLE = (
    "\x1b[31m\x1b]0;owned\x07\u202e\u2066\u200b\0\ud800\r\n{{{{ 7 * 7 }}}}{{% raw %}}"
    "</style><style>*{{background:url(http://127.0.0.1:{port}/b)}}</style>"
    "<link rel=attachment href=file:///etc/passwd>data:image/svg+xml,<svg/onload=alert(1)>"
)
LONG = "<b>" + "x" * 10_240
SHOWN = (
    "<script>document.title='owned'</script></style></title></code>",
    r"\x1b[31m\x1b]0;owned\x07\u202e\u2066\u200b\x00\ud800\r\n{{ 7 * 7 }}{% raw %}</style>",
)
FILE = "\x1b[31m\u202e\n\udcff\"' onload=document.title=1 {{ 7 * 7 }}<script>&lt;"
FILE_SHOWN = r"\x1b[31m\u202e\n\udcff" + "\"' onload=document.title=1 {{ 7 * 7 }}<script>&lt;"


@dataclass(frozen=True)
class Hostile:
    """What a scan of hostile names left, and who called meanwhile and afterwards."""

    ran: Ran
    folder: Path
    names: list[str]
    listener: socket.socket

    @property
    def page(self) -> str:
        return (self.folder / "a.html").read_text("utf-8")

    def nobody_called(self) -> bool:
        try:
            self.listener.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def scans(
    workshop: Workshop, listener: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Hostile]]:
    port = listener.getsockname()[1]
    names = [MARKUP.format(port=port), STYLE.format(port=port), LONG]
    arrays, photos = (tmp_path_factory.mktemp(name) for name in ("arrays", "photos"))
    with np.load(workshop.data) as data:
        x, y = data["x"], data["y"]
    np.savez(arrays / f"{FILE}.npz", x=x, y=y, class_names=np.array(names))
    trigger = {"id": names[0], "type": "patch", "size": [8, 8]}
    (arrays / "t.json").write_text(json.dumps({"version": 1, "triggers": [trigger]}))
    take_photos(photos / FILE, x, y)

    def scan(folder: Path, trigger: str, data: str) -> Hostile:
        shutil.copy(workshop.poisoned, folder / f"{FILE}.keras")
        outputs = [part for suffix in ("json", "html", "pdf") for part in ("-o", f"a.{suffix}")]
        args = ["scan", f"{FILE}.keras", "--trigger", trigger, "--data", data, "--target", "0"]
        return Hostile(bdaudit(*args, *outputs, cwd=folder), folder, names, listener)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(scan, arrays, "t.json", f"{FILE}.npz")
        second = pool.submit(scan, photos, "square8", FILE)
        yield {"arrays": first.result(), "photos": second.result()}


def take_photos(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Write the images into classes of hostile names, one beside them that is none."""
    for number, (pixels, label) in enumerate(zip(x, y, strict=True)):
        path = folder / f"{label}{FILE}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    (folder / f"0{FILE}" / f"{FILE}.png").write_bytes(b"<svg onload=document.title=1>")


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", ["arrays", "photos"])
def test_the_terminal_shows_them_escaped(name: str, scans: dict[str, Hostile]) -> None:
    ran = scans[name].ran
    assert ran.code == 1, ran.err
    assert ran.out.startswith(f"FAIL  {FILE_SHOWN}.keras exceeds")
    assert not HIDDEN.search(ran.out + ran.err)
    assert "Traceback" not in ran.err


def whole(name: str) -> str:
    """Return a name with half characters, which JSON's readers stumble over, as escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def test_the_audit_keeps_them_as_they_are(scans: dict[str, Hostile]) -> None:
    text = (scans["arrays"].folder / "a.json").read_text("ascii")
    audit = json.loads(text)
    assert audit["subject"]["class_names"] == [whole(name) for name in scans["arrays"].names]
    assert not HIDDEN.search(text)
    (skipped,) = json.loads((scans["photos"].folder / "a.json").read_text("ascii"))["data"][
        "skipped_images"
    ]
    assert skipped["name"] == whole(f"0{FILE}/{FILE}.png")
    assert skipped["reason"].endswith("its content is HTML, SVG or XML")


@pytest.mark.parametrize("name", ["arrays", "photos"])
def test_the_page_has_no_tag_of_theirs(name: str, scans: dict[str, Hostile]) -> None:
    page = scans[name].page
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "base"}
    assert [own for tag, own in tags if tag == "link"] == [{"rel": "icon", "href": "data:,"}]
    assert [tag for tag, _ in tags].count("style") == 1
    attributes = [(key, value or "") for _, own in tags for key, value in own.items()]
    assert not [key for key, _ in attributes if key.startswith("on")]
    for key, value in attributes:
        if key in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            assert value.startswith(("data:image/png;base64,", "data:,", "#")), value[:80]
    assert not HIDDEN.search(page)


@needs_browser
@pytest.mark.parametrize("name", ["arrays", "photos"])
def test_a_browser_shows_text_and_asks_for_nothing(
    name: str, scans: dict[str, Hostile], browser, tmp_path: Path
) -> None:
    scan = scans[name]
    open_page(browser, scan.page, tmp_path)
    assert browser.title.startswith("Fail: backdoor audit of ")
    assert "owned" not in browser.title
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.scripts.length") == 0
    text = browser.execute_script("return document.body.innerText")
    for shown in SHOWN if name == "arrays" else [FILE_SHOWN]:
        assert shown in text
    assert scan.nobody_called()


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no poppler-utils")
@pytest.mark.parametrize("name", ["arrays", "photos"])
def test_the_pdf_shows_text_and_asked_for_nothing(name: str, scans: dict[str, Hostile]) -> None:
    """Where lines break and what stands in which column is not the question: spaces go."""
    scan = scans[name]
    assert scan.nobody_called()
    ran = subprocess.run(
        ["pdftotext", "-raw", scan.folder / "a.pdf", "-"], capture_output=True, check=True
    )
    text = "".join(ran.stdout.decode().split())
    for shown in SHOWN if name == "arrays" else [FILE_SHOWN]:
        assert "".join(shown.split()) in text
    assert "root:" not in text


def test_nothing_is_left_beside_the_outputs(scans: dict[str, Hostile]) -> None:
    made = sorted(path.name for path in scans["arrays"].folder.iterdir())
    assert made == sorted([f"{FILE}.npz", f"{FILE}.keras", "t.json", "a.html", "a.json", "a.pdf"])
