"""
The dialects of chat, one file or package each. Which provider speaks which: `registry.py`.
"""
