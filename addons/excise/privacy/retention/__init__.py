"""
What a provider keeps of a call, and what can be done about it in the request: switches set, stateful features refused, signals checked.
"""
