"""
Who may call, and what authorizes our calls: keys of ours, credentials at providers.
"""
