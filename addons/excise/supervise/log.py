"""
Logs: JSON lines on standard error, of every process alike.
"""

from __future__ import annotations

import logging
import sys

import structlog


def log_to_stderr() -> None:
    """
    Send structlog to standard error, and nothing else anywhere: texts of mitmproxy's layers quote what clients sent, asyncio's quote
    exceptions. Neither may reach a log.
    """
    logging.disable(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
