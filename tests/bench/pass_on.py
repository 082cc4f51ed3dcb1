"""
For mitmdump: pass answers on as they come. As shipped it holds every answer until it is whole, which is no measure for streams.
"""

from mitmproxy import http


def responseheaders(flow: http.HTTPFlow) -> None:
    """
    Stream every answer.
    """
    assert flow.response is not None
    flow.response.stream = True
