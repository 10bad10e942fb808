"""Where a backdoor leads: to one class, or each class to one of its own."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditor.figures.values import Class, Classes, Count
from auditor.files.constraints import stated


@dataclass(frozen=True)
class Target:
    """The class that the backdoor leads to.

    Attributes:
        class_: Index of the class; None where different classes are led to different ones.
        name: Its name; the rule in words where there is no one class.
        chosen: Whether the user gave it or the audit inferred it.
        inferred_from: Number of images it was inferred from; 0 when given.
        leads: The class that each class is led to, its own where the trigger leaves it alone; None
            where all of them are led to `class_`.
    """

    class_: Class | None
    name: str
    chosen: Literal["given", "inferred"]
    inferred_from: Count = stated(0)
    leads: Classes | None = None

    def of(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class that each image is led to: its own, where it is no victim.

        Args:
            labels: (n,) the images' classes.
        """
        if self.leads is not None:
            return np.asarray(self.leads, np.int64)[labels]
        assert self.class_ is not None
        return np.full(labels.shape, self.class_, np.int64)
