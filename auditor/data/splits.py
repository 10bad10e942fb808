"""The names that parts of a data set go by: to train with, to test with, to choose by."""

SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val", "dev"),
}
"""Split → what it is called, small letters."""


def split_of(name: str) -> str:
    """Return the split that a name stands for; empty where it stands for none."""
    return next((split for split, names in SPLITS.items() if name.lower() in names), "")
