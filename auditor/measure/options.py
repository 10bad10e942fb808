"""How an audit is done."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an audit is done.

    Attributes:
        target: Class index or name, `auto` to infer it, None for the trigger's own, else inferred.
        layer: Name of the layer that heatmaps are read at; None for the last spatial one.
        object_region: `center`, `complement` or an `.npz` mask file.
        limit: Use at most this many images, drawn class by class; None for all.
        batch_size: Images a step.
        seed: Seed of the draw and of the bootstrap.
        neighbours: Try the trigger's neighbours on this many images, at most `limit`, drawn class
            by class; those of the target class among them are passed over. 0 for not at all.
        shown: Positions in the data of the example images; None to choose them by the rule.
    """

    target: str | None = None
    layer: str | None = None
    object_region: str = "center"
    limit: int | None = None
    batch_size: int = 256
    seed: int = 0
    neighbours: int = 0
    shown: tuple[int, ...] | None = None
