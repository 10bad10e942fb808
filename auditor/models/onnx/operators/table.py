"""What a family of operators offers."""

from collections.abc import Callable
from typing import Any, TypeAlias

Operator: TypeAlias = Callable[..., Any]
"""Takes a node and its inputs as `Value`s; returns one `Value`, or a tuple of them."""

Table: TypeAlias = dict[str, Operator]
"""Operator's name → its function."""
