"""Everything that convscope raises on purpose.

    ConvscopeError                   exit 1     something failed
    ├── UsageError                   exit 2     a flag, field or name is wrong
    ├── DataError                    exit 3     the data cannot be used as it is
    ├── DivergedError                exit 4     a loss, gradient or weight is no longer finite
    ├── RunError                     exit 1     a run folder lacks what was asked of it
    └── InterruptedTrainingError     exit 130   stopped by Ctrl-C; the state is saved

A message says what, where and the next step, in one to three lines. The command line prints it and exits with
`exit_code`; from Python it is the exception's text.
"""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says where a disk, or one's share of it, has no room."""


class ConvscopeError(Exception):
    """Base of all errors that convscope raises on purpose."""

    exit_code = 1


class UsageError(ConvscopeError):
    """A flag, a configuration field or a name has a value that is not allowed."""

    exit_code = 2


class DataError(ConvscopeError):
    """The data is missing, broken, or does not match what the run knows."""

    exit_code = 3


class DivergedError(ConvscopeError):
    """Training stopped because a loss, gradient or weight is not finite."""

    exit_code = 4


class RunError(ConvscopeError):
    """A run folder does not hold what was asked of it."""


class InterruptedTrainingError(ConvscopeError):
    """Training was asked to stop, has saved its state, and can go on."""

    exit_code = 130
