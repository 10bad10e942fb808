"""What a family of operators offers."""

from collections.abc import Callable
from typing import Any, TypeAlias

Operator: TypeAlias = Callable[..., Any]
"""Takes a node and its inputs as `Value`s; returns one `Value`, a tuple of them, or a `Definition`
that is to be run."""

Table: TypeAlias = dict[str, Operator]
"""Operator's name → its function."""
