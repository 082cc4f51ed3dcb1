"""
Journal, loader, hot store, published copy, migrations, views.
"""
