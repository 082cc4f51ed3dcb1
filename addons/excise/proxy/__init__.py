"""
The only code that imports mitmproxy: hooks to stages, connections, TLS, tunnels, the worker.
"""
