"""What a proof says."""

import math
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Check:
    """One comparison: how far apart, how far is allowed.

    Args:
        name: What was compared, e.g. "gradient float64".
        error: Largest relative error; infinite if it could not be measured.
        tolerance: Largest error that passes.
        note: What to know about it, or the error message.
    """

    name: str
    error: float
    tolerance: float
    note: str = ""

    def __post_init__(self):
        for name in ("error", "tolerance"):  # NumPy's own numbers are no JSON
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    @property
    def closeness(self) -> float:
        """Error in units of the tolerance: the check nearest to failing has the largest."""
        if self.tolerance == 0:
            return 0.0 if self.error == 0 else math.inf
        return self.error / self.tolerance if math.isfinite(self.error) else math.inf


@dataclass
class Row:
    """The proof of one case.

    Args:
        name: Symbol and label.
        baseline: What it was compared with: "keras" or "NumPy".
        checks: The comparisons.
        skipped: Checks left out, name → reason.
        seconds: Time that the proof took.
    """

    name: str
    baseline: str = "keras"
    checks: list[Check] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every check passed and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def nearest(self) -> Check | None:
        """The check that came nearest to failing, or failed by most."""
        return max(self.checks, key=lambda check: check.closeness, default=None)

    def error(self, name: str) -> float | None:
        """Largest error of the checks of that name (in any mode), `None` if it was not made."""
        return max((c.error for c in self.checks if c.name.startswith(name)), default=None)

    def as_dict(self) -> dict:
        """The row for a JSON file; an error that could not be measured becomes `None`."""
        checks = [
            asdict(c) | {"error": c.error if math.isfinite(c.error) else None, "passed": c.passed}
            for c in self.checks
        ]
        return asdict(self) | {"checks": checks, "passed": self.passed}
