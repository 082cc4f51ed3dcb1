"""
Answers scanned for what the model itself produced: `Inspector` for frames.
"""

from excise.privacy.inspect.inspector import Inspector

__all__ = ["Inspector"]
