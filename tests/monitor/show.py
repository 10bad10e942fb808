"""Shows the repair on this process's standard error: `python -m tests.monitor.show [EPOCHS]`.

With fewer than all epochs it then waits, in the middle of the next one, to be looked at.
"""

import sys
import time

from auditor.monitor.terminal import Terminal
from tests.monitor.conftest import a_plan, all_epochs, steps


def main(shown: int) -> None:
    terminal = Terminal()
    terminal.begin(a_plan())
    try:
        for epoch in all_epochs()[:shown]:
            for step in steps(epoch):
                terminal.step(step)
                time.sleep(0.001)
            terminal.epoch(epoch)
        if shown <= 18:
            for step in steps(all_epochs()[shown])[:10]:
                terminal.step(step)
            time.sleep(60)
    except KeyboardInterrupt:
        pass
    finally:
        terminal.close()
    print("the result")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 99)
