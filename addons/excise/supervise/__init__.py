"""
Settings, workers, reload, drain.
"""
