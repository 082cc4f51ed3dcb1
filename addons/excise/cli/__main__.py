"""
`python -m excise.cli`: the same as `excise`.
"""

from excise.cli import main

main()
