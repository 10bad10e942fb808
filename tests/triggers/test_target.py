"""Where triggers lead, class by class."""

import numpy as np
import pytest

from auditor.errors import UsageError
from auditor.figures.target import Target
from auditor.triggers.target import AllToAll, ClassMap, leads

NAMES = ("plane", "car", "bird", "cat")


@pytest.mark.parametrize(
    ("target", "source", "led"),
    [
        (2, (), (2, 2, 2, 2)),
        (2, ("car", 3), (0, 2, 2, 2)),
        (AllToAll(1), (), (1, 2, 3, 0)),
        (AllToAll(3), ("plane",), (3, 1, 2, 3)),
        (ClassMap({"3": "plane"}), (), (0, 1, 2, 0)),
        (ClassMap({"cat": 1, "plane": "car"}), (), (1, 1, 2, 1)),
    ],
)
def test_each_class_is_led_where_the_rule_says(target, source, led) -> None:
    assert leads(target, source, NAMES, "trigger t") == led


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [
        (AllToAll(4), (), "lead no class to another"),
        (1, ("car",), "lead no class to another"),
        (ClassMap({}), (), "lead no class to another"),
        (ClassMap({"dog": 1}), (), "target map dog: no such class; give 0 to 3 or a name: plane"),
        (0, (9,), "source 9: no such class"),
    ],
)
def test_rules_that_lead_nowhere_are_refused(target, source, words) -> None:
    with pytest.raises(UsageError, match=words):
        leads(target, source, NAMES, "trigger t")


def test_images_are_led_by_their_labels() -> None:
    labels = np.array([0, 1, 2, 3, 0])
    assert Target(2, "bird", "given").of(labels).tolist() == [2] * 5
    led = Target(None, "the next class", "given", leads=(1, 2, 3, 0)).of(labels)
    assert led.tolist() == [1, 2, 3, 0, 1]
