"""
The client's side: what a program needs in its environment to come through the proxy, and why it does not.
"""
