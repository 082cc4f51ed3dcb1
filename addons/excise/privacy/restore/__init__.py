"""
Values put back into answers: `Restorer` for frames, `restore_text` for a text.
"""

from excise.privacy.restore.live import Counts, Live
from excise.privacy.restore.restorer import Restorer, restore_text

__all__ = ["Counts", "Live", "Restorer", "restore_text"]
