"""What every image answered, collected batch by batch: a few numbers an image."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.figures.metrics import (
    Attention,
    Floats,
    Regions,
    balanced,
    heatmap_shift,
    summarise,
    wilson,
)
from auditor.figures.results import ClassRow, Controls, Histogram, Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.figures.untried import BROKEN
from auditor.measure.attention import Seen

Ints = NDArray[np.int64]

_EDGES = tuple(float(e) for e in np.logspace(-3, 2, 31))


@dataclass
class Tally:
    """Per-image answers; the stamped ones are of the images that the backdoor leads elsewhere.

    Attributes:
        target: Where the backdoor leads.
        regions: What TAR compares; or why there is none.
        attention: Whether there are heatmaps at all; or why not.
    """

    target: Target
    regions: Regions | Skipped
    attention: None | Skipped
    labels: list[Ints] = field(default_factory=list)
    clean: list[Ints] = field(default_factory=list)
    broken: int = 0
    victims: list[Ints] = field(default_factory=list)
    victim_labels: list[Ints] = field(default_factory=list)
    victim_clean: list[Ints] = field(default_factory=list)
    victim_stamped: list[Ints] = field(default_factory=list)
    stamped_attention: list[Attention] = field(default_factory=list)
    target_attention: list[Attention] = field(default_factory=list)
    clean_attention: list[Attention] = field(default_factory=list)
    shift: list[Floats] = field(default_factory=list)

    def add_clean(self, labels: Ints, clean: Seen) -> None:
        """Add what the model made of one batch's n images, as they are, of (n,) `labels`."""
        self.labels.append(labels)
        self.clean.append(clean.predicted)
        self.broken += int(broken_scores(clean).sum())

    def add_stamped(
        self, indices: Ints, labels: Ints, victims: Ints, clean: Seen, stamped: Seen
    ) -> None:
        """Add what it made of those of them that were stamped.

        Args:
            indices: (n,) positions in the data.
            labels: (n,) classes.
            victims: (m,) positions in the batch that were stamped; m > 0.
            clean: What the model made of the n images.
            stamped: What it made of the m stamped ones.
        """
        self.broken += int((broken_scores(stamped) & ~broken_scores(clean)[victims]).sum())
        self.victims.append(indices[victims])
        self.victim_labels.append(labels[victims])
        self.victim_clean.append(clean.predicted[victims])
        self.victim_stamped.append(stamped.predicted)
        if self.attention is None:
            clean_heat = clean.heat[victims]
            self.shift.append(heatmap_shift(clean_heat, stamped.heat))
            if isinstance(self.regions, Regions):
                self.stamped_attention.append(Attention.of(stamped.heat, self.regions))
                self.target_attention.append(Attention.of(stamped.target_heat, self.regions))
                self.clean_attention.append(Attention.of(clean_heat, self.regions))

    def measurement(self, seed: int) -> Measurement:
        """Return every figure; `seed` is the bootstrap's."""
        labels, stamped = _join(self.victim_labels), _join(self.victim_stamped)
        aims = self.target.of(labels)
        all_labels, clean = _join(self.labels), _join(self.clean)
        stamped_at = Attention.join(self.stamped_attention)
        target_at, clean_at = map(Attention.join, (self.target_attention, self.clean_attention))

        def tar(values: Floats, figure: str) -> TarSummary | Skipped:
            return self._attention_summary(values, figure, seed)

        return Measurement(
            clean_accuracy=self._rate(clean == all_labels),
            asr=self._rate(stamped == aims),
            robust_accuracy=self._rate(stamped == labels),
            clean_target_rate=self._rate(_join(self.victim_clean) == aims),
            tar=tar(stamped_at.tar, "tar"),
            tar_target=tar(target_at.tar, "tar"),
            tar_density=tar(stamped_at.density, "density"),
            trigger_mass=tar(stamped_at.mass, "mass"),
            heatmap_shift=self._shift_summary(seed),
            balanced_accuracy=self._broken()
            if self.broken
            else balanced(clean == all_labels, all_labels),
            controls=Controls(
                tar=tar(clean_at.tar, "tar"),
                tar_density=tar(clean_at.density, "density"),
                trigger_mass=tar(clean_at.mass, "mass"),
            ),
        )

    def correct(self) -> NDArray[np.uint8]:
        """Return (n,) 1 where the clean image was recognised, in the order they were added."""
        right: NDArray[np.bool_] = _join(self.clean) == _join(self.labels)
        return right.astype(np.uint8)

    def class_rows(self, names: tuple[str, ...]) -> tuple[ClassRow, ...]:
        """Return accuracy and ASR class by class."""
        labels, victims = _join(self.labels), _join(self.victim_labels)
        right = _join(self.clean) == labels
        turned = _join(self.victim_stamped) == self.target.of(victims)
        led = self.target.of(np.arange(len(names)))
        return tuple(
            ClassRow(
                class_=index,
                name=name,
                accuracy=self._rate(right[labels == index]),
                asr=self._rate(turned[victims == index])
                if led[index] != index
                else Skipped(
                    "the target class itself"
                    if index == self.target.class_
                    else "a class that the trigger leaves alone"
                ),
            )
            for index, name in enumerate(names)
        )

    def histogram(self) -> Histogram | Skipped:
        """Return the distribution of TAR, stamped against unstamped."""
        if isinstance(regions := self._regions(), Skipped):
            return regions
        if np.isnan(Attention.join(self.stamped_attention).tar).all():
            return Skipped("every heatmap is zero everywhere")
        return Histogram(
            edges=_EDGES,
            stamped=_counts(Attention.join(self.stamped_attention).tar),
            unstamped=_counts(Attention.join(self.clean_attention).tar),
        )

    def spread(self, count: int) -> tuple[Ints, str]:
        """Return up to `count` stamped images to show, and the rule in words.

        They are given by position in the data, and stand at equal steps through the stamped images
        in order of TAR, from the 5th to the 95th percentile; where there is no TAR, at equal steps
        through the data.
        """
        victims = _join(self.victims)
        tar = Attention.join(self.stamped_attention).tar
        order, by = np.arange(len(victims)), "their place in the data"
        if len(tar) and not np.isnan(tar).all():
            order, by = np.argsort(tar, kind="stable")[: int((~np.isnan(tar)).sum())], "their TAR"
        shares = np.linspace(0.05, 0.95, count)
        picked = order[np.unique(np.round(shares * (len(order) - 1)).astype(int))]
        percentiles = ", ".join(f"{100 * share:.0f}" for share in shares)
        rule = (
            f"Not hand-picked: of the {len(order):,} stamped images in order of {by}, "
            f"those at the percentiles {percentiles}."
        )
        return victims[picked], rule

    def _regions(self) -> Regions | Skipped:
        """Return what TAR compares, or why there is none."""
        if self.broken:
            return self._broken()
        return self.attention or self.regions

    def _broken(self) -> Skipped:
        return broken_images(self.broken)

    def _rate(self, hits: NDArray[np.bool_]) -> Rate | Skipped:
        if self.broken:
            return self._broken()
        return wilson(int(hits.sum()), len(hits))

    def _attention_summary(self, values: Floats, figure: str, seed: int) -> TarSummary | Skipped:
        if isinstance(regions := self._regions(), Skipped):
            return regions
        ceiling = float(getattr(Attention.ceiling(regions), figure)[0])
        return summarise(values, ceiling, seed)

    def _shift_summary(self, seed: int) -> TarSummary | Skipped:
        if self.attention is not None or self.broken:
            return self.attention or self._broken()
        return summarise(np.concatenate([*self.shift, np.zeros(0)]), 1.0, seed)


def broken_scores(seen: Seen) -> NDArray[np.bool_]:
    """Return (n,) which images' scores are NaN or infinite."""
    return np.asarray(~np.isfinite(seen.scores).all(axis=1))


def broken_images(count: int) -> Skipped:
    """Return why nothing is counted where `count` images' scores are NaN or infinite."""
    return Skipped(f"{BROKEN}{count} images")


def _join(parts: list[Ints]) -> Ints:
    return np.concatenate([*parts, np.zeros(0, np.int64)])


def _counts(values: Floats) -> tuple[int, ...]:
    defined = np.clip(values[~np.isnan(values)], _EDGES[0], _EDGES[-1])
    return tuple(int(c) for c in np.histogram(defined, _EDGES)[0])
