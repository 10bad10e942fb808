"""Every error that a user can meet, each with the exit code it ends in.

A message is one line for a person: what was received, where, what is allowed, what to do.
"""


class AuditorError(Exception):
    """Root of all errors raised on purpose; exit code 3 unless a subclass says otherwise."""

    exit_code = 3


class UsageError(AuditorError):
    """The command line, the configuration or a request in them is wrong."""

    exit_code = 2


class InputError(AuditorError):
    """An input was refused or could not be read."""


class WorkError(AuditorError):
    """The work itself failed: the worker died, ran out of memory or sent nonsense."""


class VerificationError(AuditorError):
    """A signature, or what was signed, does not hold."""

    exit_code = 5


class Interrupted(AuditorError):
    """The user, or the system, asked to stop; what was done is kept."""

    exit_code = 130
