"""The three ways in which a job can fail; which one it is decides what happens to its input.

    JobError
    ├── BadInput      can never succeed: the input goes to quarantine with the reason
    └── Unavailable   may succeed later: tried again on a schedule that survives a restart

Any other exception is a bug: tried again, then quarantined with its traceback.
"""

BY_ITSELF = "it goes on by itself once that is mended"
"""The hint of a passing fault of the surroundings: a full disk, a volume that is gone."""


class JobError(Exception):
    """A failure that its raiser understood.

    `reason` says what happened and to which file; `hint` says what the person can do next.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason} — {self.hint}" if self.hint else self.reason


class BadInput(JobError):
    """The input itself is at fault."""


class Unavailable(JobError):
    """Something around the job is missing just now: network, lock, disk space, mlx, a model.

    `after` is the least number of seconds to wait, where the other side named one (Retry-After).
    """

    def __init__(self, reason: str, hint: str = "", *, after: float = 0.0) -> None:
        super().__init__(reason, hint)
        self.after = after
