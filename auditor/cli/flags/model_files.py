"""The flags that name model files which an audit is held against."""

from collections.abc import Callable

import click

from auditor.cli.flags import common
from auditor.cli.flags.kinds import Decorator, LocalModel, stack


def models(more: str, option: Callable[..., Decorator] = click.option) -> Decorator:
    """The options that name model files.

    Args:
        more: What the command does with them.
        option: How an option is made: `kinds.option` for one that a policy may have.
    """
    return stack(
        option(
            "--model",
            multiple=True,
            type=LocalModel(),
            metavar="FILE",
            help=f"Model file, or SavedModel folder. {more} Repeatable.",
        ),
        common.external_data,
    )
