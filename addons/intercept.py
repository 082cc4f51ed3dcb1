"""
Excise inside a stock mitmproxy, for debugging: `mitmdump -s addons/intercept.py`, also `mitmweb`.

Needs what `excise up` needs: a CA (`excise certs init`), policies, and `EXCISE_…` variables where those are not in the usual places.
In production run `excise up`: a script that fails to load here unloads itself, and traffic flows on.
"""

from excise.proxy.debugging import Intercept

addons = [Intercept()]
