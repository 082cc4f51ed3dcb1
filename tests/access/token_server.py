"""
A token server that reads assertions as Google's does: strictly.

Source: developers.google.com/identity/protocols/oauth2/service-account ("Preparing to make an
authorized API call"), RFC 7523; read 2026-11.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

EMAIL = "proxy@standin-project.iam.gserviceaccount.com"
KEY_ID = "0f" * 20
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass
class TokenServer:
    """
    Attributes:
        asked: What each request was refused for; `None`: it got a token.
        life: Seconds a token lasts.
        waits: Seconds before an answer.
        status: Answered in place of a token, with words that must not show anywhere.
    """

    key: rsa.RSAPrivateKey
    port: int = 0
    asked: list[str | None] = field(default_factory=list)
    life: int = 3600
    waits: float = 0.0
    status: int = 200
    location: str | None = None
    token: str = "standin-ya29"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def account(self, **changed: Any) -> bytes:
        """
        The JSON of a service account that may ask here.
        """
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        written = {
            "type": "service_account",
            "project_id": "standin-project",
            "private_key_id": KEY_ID,
            "private_key": pem,
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": self.uri,
        }
        return json.dumps(written | changed).encode()

    def fault(self, content_type: str | None, body: bytes) -> str | None:
        """
        What is wrong with a request; `None`: nothing.
        """
        if content_type != "application/x-www-form-urlencoded":
            return "content type"
        form = parse_qs(body.decode(), strict_parsing=True)
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"] or len(form.get("assertion", ())) != 1:
            return "grant"
        parts = form["assertion"][0].split(".")
        if len(parts) != 3:
            return "form"
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
        if (header.get("alg"), header.get("typ"), header.get("kid")) != ("RS256", "JWT", KEY_ID):
            return "header"
        try:
            self.key.public_key().verify(_decoded(parts[2]), ".".join(parts[:2]).encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "signature"
        now = time.time()
        # Google takes the address of its own token service; google-auth always names that one.
        if claims.get("aud") != "https://oauth2.googleapis.com/token" or claims.get("iss") != EMAIL or claims.get("scope") != SCOPE:
            return "claims"
        if not now - 300 <= claims.get("iat", 0) <= now + 300 or not now < claims.get("exp", 0) <= claims["iat"] + 3600:
            return "time"
        return None


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """
    One that runs, with a fresh key.
    """
    tokens = TokenServer(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fault = tokens.fault(self.headers["content-type"], body) if self.path == "/token" else "path"
            tokens.asked.append(fault)
            number = len(tokens.asked)
            time.sleep(tokens.waits)
            if fault is not None:
                self._answer(400, {"error": "invalid_grant", "error_description": f"canary-of-the-token-service {fault}"})
            elif tokens.status != 200:
                self._answer(tokens.status, {"error": "unauthorized_client", "error_description": "canary-of-the-token-service"})
            else:
                self._answer(200, {"access_token": f"{tokens.token}-{number}", "expires_in": tokens.life, "token_type": "Bearer"})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            if tokens.location is not None and status >= 300:
                self.send_header("location", tokens.location)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tokens.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield tokens
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
