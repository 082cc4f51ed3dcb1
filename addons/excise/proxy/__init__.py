"""
The only code that imports mitmproxy: its sans-I/O layers, without its master and addon manager, which let a failing hook pass.

Read in this order, which is a call's way in:

    worker        one process: settings, sockets, which hook calls what
    door          one accepted connection: what does the client want?  (front: heads; client_hello: TLS; redirected: nft)
    relay         … a blind tunnel, counted
    driver        … or layers: moves bytes, runs hooks, keeps time  (peer: upstream's end; overdue: silence; hooks, guard: nothing a hook
                  does escapes)
    tls           certificates and verification  (tls_layers: handshakes; tls_sessions: resumption)
    http_layer    requests to streams, streams to connections  (http_edges, http_heads, http_body: HTTP/1, strictly)
    http_stream   one request and its answer: here the seal is asked for
    failover      … or several attempts at it, of which the client sees one  (attempts: its words; legs: what it asks between them)
    gateway       hooks to stages; catches everything, refuses  (headers, endpoint, readings: what it reads; flows: which is which)
    foreign       what is no LLM call, on its way through
    shadow        copies for targets on trial  (errand: a request of our own)
    seal          what was approved, byte for byte
    answer_tap    the answer on its way back
    settle        the end, exactly once
    destination   where we may connect  (lookup: names)
    untrusting    clients that refuse our certificate
    build         the parts put together; debugging: the same inside a stock mitmdump

Data flows one way: bytes from the door through the driver and the layers to the gateway, values through the stages, bytes back.
"""
