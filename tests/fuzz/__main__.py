"""Fuzz what reads files that others wrote: `python -m tests.fuzz --minutes 60`.

Seeded: input N of a format is the same for the same seed and the same libraries, but for paths
and ports in it. Ctrl-C ends it with the table; with `--keep` the same command then goes on.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import record, seeds
from tests.fuzz.campaign import Campaign
from tests.fuzz.formats import FORMATS

_BATCH = 200


def main(arguments: list[str]) -> int:
    """Fuzz, print the table, and return 1 where something was found."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # a job in the background ignores the first
        signal.signal(number, signal.default_int_handler)
    chosen = options.format or list(FORMATS)
    with tempfile.TemporaryDirectory(prefix="bdaudit-seeds-") as name:
        keep = options.keep or Path(tempfile.mkdtemp(prefix="bdaudit-findings-"))
        print("making seeds: small models of every format", flush=True)
        seeds.make(Path(name))
        with Campaign(Path(name), options.seed, keep) as campaign:
            state = keep / f"state-{options.seed}.json"
            before = record.resume(campaign, state)
            seconds = _fuzz(campaign, chosen, options.minutes * 60, before, state)
    print(record.table(campaign))
    for finding in campaign.findings:
        print(f"{finding.name}: {finding.words.splitlines()[0]} {finding.kept}")
    if options.record:
        record.write(campaign, seconds, options.seed)
    return 1 if campaign.findings else 0


def _fuzz(campaign: Campaign, chosen: list[str], whole: float, before: float, state: Path) -> float:
    """Go round the formats until the time is over; return the seconds in all."""
    began = time.monotonic() - before
    try:
        while True:
            for name in chosen:
                campaign.round(name, sum(campaign.counts[name].judged.values()), _BATCH)
                seconds = time.monotonic() - began
                record.save(campaign, seconds, state)
                _tell(campaign, seconds, whole)
                if seconds > whole:
                    return seconds
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        return time.monotonic() - began


def _tell(campaign: Campaign, seconds: float, whole: float) -> None:
    judged = sum(sum(count.judged.values()) for count in campaign.counts.values())
    left = max(0, whole - seconds)
    expected = judged * (1 + left / seconds)
    line = (
        f"{seconds / 60:.1f} of {whole / 60:g} min, {judged:,} inputs, {len(campaign.findings)} "
        f"findings; about {expected:,.0f} inputs in all, {left / 60:.0f} min left"
    )
    print(f"\r{line}  " if sys.stdout.isatty() else f"{line}\n", end="", flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="how long, in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append", choices=list(FORMATS), help="default: all")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for findings, and to go on")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/fuzzing.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
