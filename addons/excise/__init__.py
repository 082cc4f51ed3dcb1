"""
Excise: a transparent egress proxy for LLM traffic.
"""

__version__ = "0.1.0"
