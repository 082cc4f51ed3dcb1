"""
A strict stand-in for the LLM providers: real TLS, their dialects and their refusals, no model. For `excise demo` and for tests.

It answers deterministically (the same request gets the same bytes), records every request it saw and what it charged for it, and can be
scripted to fail in any way a provider or a network does.
"""

from excise.standin.call import Bill, Request
from excise.standin.script import Gate, Recorded, Script
from excise.standin.server import DIALECTS, Seen, StandIn, running

__all__ = ["DIALECTS", "Bill", "Gate", "Recorded", "Request", "Script", "Seen", "StandIn", "running"]
