"""
What must not leave, found, replaced, and put back. Pure: no files, sockets, clock or randomness.
"""
