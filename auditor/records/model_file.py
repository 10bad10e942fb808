"""A model file that was looked at, not loaded: what it is, and what is wrong with it."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from auditor.files.origin import Origin
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import HeatmapLayer, Ports

SCHEMA: Final = "bdaudit.inspection/v1"


@dataclass(frozen=True)
class ModelFile:
    """One file, or a SavedModel folder.

    Attributes:
        path: As the user gave it.
        sha256: Of the bytes that were looked at.
        bytes: How many.
        inspection: What was found.
        ports: What goes in and comes out; nothing where there are findings.
        origin: What the reference stood for; None for a path.
        heatmaps: The layers that heatmaps can be read at, where it was loaded to list them.
    """

    path: str
    sha256: str
    bytes: int
    inspection: Inspection
    ports: Ports
    origin: Origin | None = None
    heatmaps: tuple[HeatmapLayer, ...] | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        found, ports = self.inspection, self.ports
        heatmaps = {} if self.heatmaps is None else {"heatmap_layers": _listed(self.heatmaps)}
        return {
            "schema": SCHEMA,
            "path": self.path,
            **({"origin": asdict(self.origin)} if self.origin else {}),
            "format": found.format,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "written_by": found.written_by,
            "numbers": found.stored,
            "inputs": [{"name": name, "shape": list(shape)} for name, shape in ports.inputs],
            "outputs": [{"name": name, "shape": list(shape)} for name, shape in ports.outputs],
            "classes": ports.classes or None,
            "spatial": list(ports.spatial),
            **heatmaps,
            "layers": [{"name": name, "class": kind} for name, kind in found.layers],
            "findings": [{"place": f.place, "reason": f.reason} for f in found.findings],
            "notes": [{"place": n.place, "reason": n.reason} for n in found.notes],
        }


def _listed(layers: tuple[HeatmapLayer, ...]) -> list[dict[str, Any]]:
    return [
        {**vars(layer), "grid": list(layer.grid), "default": layer is layers[-1]}
        for layer in layers
    ]
