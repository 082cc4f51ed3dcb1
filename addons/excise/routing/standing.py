"""
How a target has been doing lately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What is known of a target at this moment. Times are monotonic seconds, the same clock in all processes of a host.

    Attributes:
        state: Of its circuit breaker. `open`: do not ask; `half_open`: may be probed.
        until: When an open one may be probed.
        limited_until: The provider said not to ask before this.
        failure_rate: Of the last calls, decaying; `None`: none lately.
        first_byte_seconds: From request to first content, decaying mean; `None`: not known.
        tokens_per_second: Of answers, decaying mean.
        samples: Calls that are in the figures, decaying too.
    """

    state: Literal["closed", "open", "half_open"] = "closed"
    until: float | None = None
    limited_until: float | None = None
    failure_rate: float | None = None
    first_byte_seconds: float | None = None
    tokens_per_second: float | None = None
    samples: float = 0.0


UNTRIED = Standing()
