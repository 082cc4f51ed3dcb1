"""
Where a call goes: pure decisions on values.
"""
