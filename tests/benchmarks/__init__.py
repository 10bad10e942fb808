"""What is measured and not asserted: `python -m tests.benchmarks [NAME ...]`.

Every figure to keep is a ratio of two things measured side by side in one run, because seconds
depend on the machine and on who else uses it. Results go to `results/NAME.md`.
"""
