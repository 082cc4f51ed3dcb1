"""
The verbs of one call, one file each, in the order `pipeline.py` lists them.
"""
