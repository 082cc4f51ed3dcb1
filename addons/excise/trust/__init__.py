"""
Trust: the certificate authority, the leaves it signs, and the bundles that make clients believe them. No mitmproxy here.
"""
