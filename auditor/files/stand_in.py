"""What came in place of a file: a pointer to it, an error page, a copy that is still packed.

Told by its first bytes, whatever it was to be: a model, data, a trigger.
"""

import re

HEAD_BYTES = 4096
"""As many of a file's first bytes as tell what it is."""

_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"BZh", "bzip2"),
    (b"Rar!\x1a\x07", "RAR"),
)
_POINTERS = (
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
    b"version http://git-media.io/v/",
)
_DOWNLOAD = "download it again, and look into the file that comes"
_ANSWERS = re.compile(rb'^\{\s*"(error|errors|message|detail|code|status|statusCode)"\s*:', re.I)


def pointer(head: bytes) -> str:
    """Say which pointer stands in place of a file; empty where none does. As `stand_in`."""
    if head.startswith(_POINTERS):
        return (
            "a Git LFS pointer, not the file itself; get the file with: git lfs pull "
            "(git-lfs installed, in the repository)"
        )
    if head.startswith(b"# xet version"):
        return "a Git Xet pointer, not the file itself; get the file with git-xet"
    return ""


def stand_in(head: bytes) -> str:
    """Say what stands in place of a file, and what to do; empty for what may be the file itself.

    Args:
        head: Its first `HEAD_BYTES`, or all where there are fewer.

    Returns:
        As in "is …": "a Git LFS pointer, not the file itself; get it with …".
    """
    if said := pointer(head):
        return said
    if head.startswith(b"\0\5\x16\7"):
        return (
            "what macOS keeps of a file beside it (AppleDouble, a name that begins with '._'); "
            "give the file whose name has no '._'"
        )
    if head.startswith(b"\0\0\0\1Bud1"):
        return "a .DS_Store of macOS, which holds no file's content; give the file beside it"
    for start, name in _PACKED:
        if head.startswith(start):
            return f"packed with {name}; unpack it first"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it first"
    return _answer(head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024])


def _answer(text: bytes) -> str:
    """Say which answer of a server was saved under the file's name."""
    small = text.lower()
    if small.startswith((b"<!doctype html", b"<html", b"<head")):
        return (
            "a web page (HTML), saved under this name: a download that did not give the file; "
            f"{_DOWNLOAD}"
        )
    if small.startswith(b"<error") or (small.startswith(b"<?xml") and b"<error>" in small):
        code = re.search(rb"<Code>(\w{1,40})</Code>", text)
        named = f" ({code[1].decode()})" if code else ""
        return f"an error that a server answered with{named}, in place of the file; {_DOWNLOAD}"
    if _ANSWERS.match(text):
        return f"an error that a server answered with (JSON), in place of the file; {_DOWNLOAD}"
    if len(text) < 200 and re.match(rb"(404|403|not found|access denied|forbidden)\b", small):
        return f"an error that a server answered with, in place of the file; {_DOWNLOAD}"
    return ""
