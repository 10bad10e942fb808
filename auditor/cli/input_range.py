"""What `--input-range` is taken for, said before the work starts."""

from auditor.cli.progress import say
from auditor.models.input_range import InputRange


def check_input_range(text: str) -> None:
    """Refuse a range that is none; say how it is read where that is more than what was written.

    Raises:
        UsageError: As `InputRange.parse`.
    """
    name = InputRange.parse(text).name
    if name != text:
        pixels = ": numbers for pixels of 0 to 255" if name.endswith("max=255") else ""
        say(f"--input-range {text}: taken as {name}{pixels}")
