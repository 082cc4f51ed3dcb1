"""
Detectors: one file a family, each with its own hits and misses. `catalogue.py` lists them all.
"""
