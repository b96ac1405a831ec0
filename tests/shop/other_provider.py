"""A provider that is not Weibo: a small OAuth 2.0 server that enforces PKCE, over real HTTP."""

import base64
import hashlib
import json
import secrets
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

__all__ = ["OtherProvider"]


class OtherProvider:
    """The server; `consent` plays its page, `profile` and `status` are what it says of the owner of a token."""

    def __init__(self) -> None:
        self.profile: object = {"id": 77, "login": "octo", "avatar_url": "https://octopus.example/77.png"}
        self.status = 200
        self.seen: list[str] = []
        self._codes: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._server = HTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def description(self, **changes: object) -> dict[str, object]:
        """Return its entry of providers.json."""
        return {
            "name": "octopus", "client_id": "us", "client_secret": "octo-secret", "scope": ["read:user"],
            "authorize_url": f"{self.url}/authorize", "token_url": f"{self.url}/token", "user_url": f"{self.url}/user",
            "display_name": "login", "avatar": "avatar_url", **changes,
        }  # fmt: skip

    def consent(self, authorization_url: str) -> dict[str, str]:
        """Let somebody consent; return the query that the browser is sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert (query["client_id"], query["scope"], query["code_challenge_method"]) == ("us", "read:user", "S256")
        code = secrets.token_urlsafe(8)
        self._codes[code] = query["code_challenge"]
        return {"code": code, "state": query["state"]}

    def ask(self, path: str) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text of its page: a button, which leads back with a code."""
        query = parse_qs(urlsplit(path).query)
        if "allowed" not in query:
            return 200, {"Content-Type": "text/html"}, f"<a href='{escape(path)}&amp;allowed=1'>Allow</a>"
        back = urlencode(self.consent(path))
        return 302, {"Location": f"{query['redirect_uri'][0]}?{back}"}, ""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def exchange(self, form: dict[str, list[str]]) -> tuple[int, object]:
        """Return status and members of a token's answer."""
        wanted = self._codes.pop(form["code"][0], None)
        hashed = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        if wanted != base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() or form["client_secret"] != ["octo-secret"]:
            return 400, {"error": "invalid_grant"}
        token = secrets.token_urlsafe(8)
        self._tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer"}

    def knows(self, authorization: str) -> bool:
        """Whether it gave out this token."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and token in self._tokens


def _handler(provider: OtherProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            provider.seen.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*provider.exchange(parse_qs(body)))

        def do_GET(self) -> None:
            provider.seen.append(self.path)
            if self.path.startswith("/authorize?"):
                status, headers, text = provider.ask(self.path)
                self._send(status, headers, text.encode())
                return
            good = provider.knows(self.headers.get("Authorization", ""))
            self._answer(provider.status if good else 401, provider.profile)

        def _answer(self, status: int, members: object) -> None:
            self._send(status, {}, members if isinstance(members, bytes) else json.dumps(members).encode())

        def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
