"""
Providers, models, prices: data, and small loaders.
"""
