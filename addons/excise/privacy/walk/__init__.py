"""
From a request's bytes to the text that is scanned, and back: nothing is left out unseen, and nothing but what was found is changed.
"""
