"""Check how layers are called: with tensors and numbers, for a text can name an object."""

from typing import Any

from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_names import DTYPES
from auditor.text import printable

# Values, not classes: Keras rebuilds these from numbers and shapes.
_OF_CONFIG = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"})
_OF_ITEMS = frozenset({"__tuple__", "TensorShape"})
VALUES = _OF_CONFIG | _OF_ITEMS


class Calls:
    """Checks the calls of layers, and the constants that occur in them and in configurations."""

    def __init__(self, findings: Findings, most: int, advice: str) -> None:
        """`most` calls of one layer are allowed; `advice` ends the reasons for `findings`."""
        self._findings = findings
        self._most = most
        self._advice = advice

    def nodes(self, nodes: Any, path: str) -> None:
        """Check all calls of one layer, as Keras 3 writes them or as Keras 2 did."""
        if not isinstance(nodes, list) or len(nodes) > self._most:
            self._findings.add(path, f"not a list of at most {self._most} calls")
            return
        for index, node in enumerate(nodes):
            self.argument(node, f"{path}[{index}]", references=isinstance(node, list))

    def ends(self, ends: Any, path: str) -> None:
        """Check which tensors go into a model, or come out: as a list, or by names of their own."""
        if not isinstance(ends, dict) or "class_name" in ends:
            self.argument(ends, path, references=True)
            return
        for key, end in ends.items():
            self.argument(end, f"{path}.{key[:40]}", references=isinstance(end, list))

    def argument(self, value: Any, path: str, references: bool) -> None:
        """Check one argument; `references` allows Keras 2's ["layer", 0, 0] for a tensor."""
        if isinstance(value, str):
            reason = f"the text {quoted(value)} among call arguments; {self._advice}"
            self._findings.add(path, reason)
        elif isinstance(value, list):
            start = 1 if references and _is_reference(value) else 0
            for index, item in enumerate(value[start:], start):
                if isinstance(item, (str, list, dict)):  # numbers come by the million
                    self.argument(item, f"{path}[{index}]", references)
        elif isinstance(value, dict):
            if "class_name" not in value:
                for key, item in value.items():
                    self.argument(item, f"{path}.{key[:40]}", references=False)
            elif known(value["class_name"], VALUES):
                self.constant(value, path)
            else:
                name = quoted(value["class_name"])
                self._findings.add(path, f"class {name} among call arguments; {self._advice}")

    def constant(self, found: dict[str, Any], path: str) -> None:
        """Check a value: numbers all the way down, apart from a dtype and the name of a layer."""
        content = "items" if found["class_name"] in _OF_ITEMS else "config"
        for key in found.keys() - {"class_name", content}:
            reason = "does not belong to a constant; save the model again"
            self._findings.add(f"{path}.{key[:40]}", reason)
        rest = found.get(content)
        inside = f"{path}.{content}"
        if isinstance(rest, dict):
            rest = dict(rest)
            dtype, history = rest.pop("dtype", "float32"), rest.pop("keras_history", None)
            if not known(dtype, DTYPES):
                reason = f"{quoted(dtype)} is not a number type of Keras"
                self._findings.add(f"{inside}.dtype", reason)
            if history is not None and not _is_history(history):
                self._findings.add(f"{inside}.keras_history", "does not refer to a layer's output")
        self.argument(rest, inside, references=False)


def known(name: Any, names: frozenset[str]) -> bool:
    """Whether this is a text, and one of these."""
    return isinstance(name, str) and name in names


def quoted(value: Any) -> str:
    """Show a name from a file, in quotes and short; of anything else, its kind."""
    return printable(ascii(value[:80])) if isinstance(value, str) else f"of {type(value).__name__}"


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and _is_reference(value)


def _is_reference(value: list[Any]) -> bool:
    name, *indices = value[:3] or [None]
    return isinstance(name, str) and len(indices) == 2 and all(type(i) is int for i in indices)
