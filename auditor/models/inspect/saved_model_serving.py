"""What serves: the one graph and the one signature that are audited, and that others run."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_calls import quoted
from auditor.models.inspect.saved_model_graph import GraphWalk, Unit, node_of
from auditor.models.inspect.saved_model_ports import SERVING

_TENSORFLOWS = ("__saved_model_init_op", "__saved_model_train_op")
# What Keras' export adds; it computes the same as the signature of that name.
_KERAS = "serve"
_DO = "save what is to be used alone, with model.export(...) or tf.saved_model.save(...)"


def check_serving(walks: list[GraphWalk], findings: Findings) -> None:
    """Find what lets a SavedModel serve several things, or another one every time.

    Args:
        walks: Its graphs, looked at.
        findings: Told of it; notes signatures that are not audited.
    """
    if len(walks) > 1:
        tags = "; ".join(", ".join(walk.meta.meta_info_def.tags) or "none" for walk in walks[:10])
        reason = f"holds {len(walks)} graphs (their tags: {tags}), of which one is run; {_DO}"
        findings.add("saved_model.pb", reason)
    for walk in walks:
        _check_signatures(walk, findings)


def _check_signatures(walk: GraphWalk, findings: Findings) -> None:
    times = Counter(entry.key for entry in walk.meta.signature_def)
    for name in (name for name, count in times.items() if count > 1):
        findings.add("signature_def", f"{quoted(name)} stands there twice; {_DO}")
    names = [name for name in times if name not in _TENSORFLOWS]
    served = SERVING if SERVING in times else names[0] if len(names) == 1 else None
    if served is None:
        return
    others = [quoted(name) for name in names if name not in (served, _KERAS)]
    if others:
        shown = ", ".join(others[:10])
        findings.note("signature_def", f"{quoted(served)} is audited; not audited: {shown}")
    for unit in sorted(walk.reached(_starts(walk.meta, served))):
        if ops := walk.changing.get(unit):
            findings.add(
                " ".join(unit).removeprefix("node "),
                f"{', '.join(sorted(ops))}: what {quoted(served)} answers changes from call to "
                f"call, by chance or by what it saw before; {_DO}",
            )


def _starts(meta: Any, served: str) -> Iterator[Unit]:
    """Give what runs for a signature: in TensorFlow Serving, and after `saved_model.load`."""
    for entry in meta.signature_def:
        if entry.key == served:
            for output in entry.value.outputs:
                yield "node", node_of(output.value.name)
    objects = meta.object_graph_def.nodes
    for signatures in _children(objects, 0, "signatures"):
        for index in _children(objects, signatures, served):
            if name := objects[index].bare_concrete_function.concrete_function_name:
                yield "function", name
            yield from (("function", name) for name in objects[index].function.concrete_functions)


def _children(objects: Any, index: int, name: str) -> list[int]:
    if index >= len(objects):
        return []
    children = objects[index].children
    return [c.node_id for c in children if c.local_name == name and 0 <= c.node_id < len(objects)]
