"""
Bytes in, values out: framings, content codings, and one file a dialect. No sockets, files, clock, globals.
"""
