"""
Bugs of ours in the log, without a byte of content.
"""

from __future__ import annotations

import structlog

log = structlog.get_logger("excise.faults")


def log_fault(where: str, call_id: str | None, fault: BaseException) -> None:
    """
    Log types and places only: texts of exceptions may quote what a client or provider sent.
    """
    places = []
    trace = fault.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    log.error("fault", where=where, call_id=call_id, error=type(fault).__name__, places=places[-6:])
