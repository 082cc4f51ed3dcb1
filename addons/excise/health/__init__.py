"""
How targets are doing, known to all workers of a host.
"""
