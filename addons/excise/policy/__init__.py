"""
What is allowed: schema, decide, explain (pure); load, reload (edges).
"""
