"""Small networks with a backdoor of every trigger, and clean ones, audited under every trigger.

`python -m tests.bench matrix` and `python -m tests.bench clean` train what is missing, scan it and
write the tables in `tests/benchmarks/results`. The networks are kept in `.bench`, out of git.
"""
