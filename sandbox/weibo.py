"""The look-alike of Weibo's OAuth 2.0 service: its endpoints, as they are documented and as they were recorded.

    /oauth2/authorize                  log-in and consent: weibo_authorize.py
    /oauth2/access_token               a code becomes a token
    /oauth2/get_token_info             whose token this is, and for which application
    /oauth2/revokeoauth2               ends a token, and the grant
    /2/users/show.json                 a profile
    /2/account/profile/email.json      an address, for those with the advanced scope

Every /oauth2/x answers at /2/oauth2/x too.  Its quirks are kept on purpose, since a client must bear them: JSON
called text/plain, `uid` a text here and a number there, `expires_in` here and `expire_in` there, "unknow".

Sources: open.weibo.com/wiki/OAuth2/access_token, /wiki/Oauth2/authorize, /wiki/Oauth2/get_token_info,
/wiki/2/users/show, /wiki/Error_code, and recorded answers.  Where both are silent, a comment says what was chosen.

This file knows what each endpoint demands and says; it does not know how a fault is done, nor how state is kept.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException

from sandbox import site
from sandbox.admin import Admin
from sandbox.faults import Faults
from sandbox.request_log import RequestLog
from sandbox.weibo_answers import JSON, TEXT, Answer, Call, refusal, respond, spell
from sandbox.weibo_authorize import Authorize
from sandbox.weibo_errors import Refused
from sandbox.weibo_faults import KINDS, json_refusal, perform
from sandbox.weibo_store import CODE_LIFETIME, TOKEN_LIFETIME, Application, Store, Token
from sandbox.weibo_users import USERS, User, profile

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["PATHS", "Weibo"]

MAX_BODY: Final = 64 * 1024

# The whole service on one screen: path → endpoint, and the methods that it takes.
_OAUTH: Final = {
    "authorize": ("authorize", ("GET", "POST")),
    "access_token": ("access_token", ("POST",)),
    "get_token_info": ("get_token_info", ("POST",)),
    "revokeoauth2": ("revokeoauth2", ("GET", "POST")),
}
PATHS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    **{f"/oauth2/{name}": endpoint for name, endpoint in _OAUTH.items()},
    "/2/users/show.json": ("users_show", ("GET",)),
    "/2/account/profile/email.json": ("email", ("GET",)),
    **{f"/2/oauth2/{name}": endpoint for name, endpoint in _OAUTH.items()},
}

METADATA: Final = "/.well-known/oauth-authorization-server"
_AVATAR: Final = re.compile(r"/avatar/([0-9]{1,19})\.svg")


class Weibo:
    """A WSGI application that answers as Weibo does.

    applications  those that developers registered
    users         those who have an account
    admin_token   opens /admin/
    faults        the switches; by default, switches of its own
    clock, randomness, sleep   the world outside this program
    """

    def __init__(
        self,
        applications: Iterable[Application],
        users: Iterable[User] = USERS,
        *,
        admin_token: str,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
        sleep: Callable[[float], None] = time.sleep,
        code_lifetime: float = CODE_LIFETIME,
        token_lifetime: int = TOKEN_LIFETIME,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self.faults = Faults(KINDS) if faults is None else faults
        self.requests = RequestLog()
        self.store = Store(
            applications,
            users,
            clock=clock,
            randomness=randomness,
            code_lifetime=code_lifetime,
            token_lifetime=token_lifetime,
        )
        self._admin = Admin(admin_token, self.faults, self.requests)
        self._authorize = Authorize(self.store, self.faults)
        self._endpoints: Mapping[str, Callable[[Call], Answer | Response]] = {
            "authorize": self._authorize.answer,
            "access_token": self._access_token,
            "get_token_info": self._get_token_info,
            "revokeoauth2": self._revoke,
            "users_show": self._users_show,
            "email": self._email,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY
        try:
            response = self.answer(request)
        except HTTPException as error:
            response = Response(f"{error.description}\n", error.code, content_type="text/plain; charset=utf-8")
        return response(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*.  Raise ConnectionResetError where a switch cut the connection."""
        path = request.path
        if path in PATHS:
            return self._call(Call(PATHS[path][0], request))
        if path.startswith("/admin/"):
            return self._admin.answer(request)
        if path == METADATA and (self.faults.standing("pkce-required") or self.faults.standing("pkce-advertised")):
            return self._metadata(request)
        if (found := _AVATAR.fullmatch(path)) and (user := self.store.user(int(found[1]))):
            return site.avatar(user.uid, user.screen_name)
        if path == "/elsewhere":  # where the fault "redirect" points: the log shows who followed
            self.requests.add(request, endpoint="elsewhere", at=self._clock(), status=404, faults=[])
        return site.not_found(request)

    def _call(self, call: Call) -> Response:
        """Answer a call of an endpoint: faults, the work, the log."""
        call.request.get_data()  # kept, so that the log can show it after a form was read from it
        taken = self.faults.take(call.endpoint)
        status: int | None = None
        refuse = self._authorize.refuse if call.endpoint == "authorize" else json_refusal
        try:
            response = perform(call, taken, lambda: self._work(call), refuse=refuse, sleep=self._sleep)
            status = response.status_code
        finally:
            kinds = [fault.kind for fault in taken]
            self.requests.add(call.request, endpoint=call.endpoint, at=self._clock(), status=status, faults=kinds)
        return response

    def _work(self, call: Call) -> Answer | Response:
        methods = PATHS[call.path][1]
        try:
            if call.request.method not in methods:
                # A GET for a token was answered as if its parameters were not there (recorded: "POST is a must").
                raise Refused("21323-client" if call.endpoint == "access_token" else "10021")
            return self._endpoints[call.endpoint](call)
        except Refused as refused:
            return refusal(call, refused.row, refused.value)

    # --- /oauth2/ ---

    def _access_token(self, call: Call) -> Answer:
        application = self._client(call)
        match call.value("grant_type"):
            case "authorization_code":
                pass
            case "password" | "refresh_token" | "client_credentials":
                raise Refused("21326")
            case _:
                raise Refused("21328")
        redirect_uri = call.value("redirect_uri")
        if not redirect_uri:
            raise Refused("21323-redirect-uri")
        if redirect_uri != application.redirect_uri:
            raise Refused("21322")
        # No answer to a missing code was recorded; here it is one that was never given out.
        code = call.value("code") or ""
        token = self.store.redeem(
            code,
            application.app_key,
            redirect_uri,
            verifier=(call.value("code_verifier") or "") if self.faults.standing("pkce-required") else None,
            keep_on_replay=self.faults.standing("replay-keeps-tokens"),
        )
        if token is None:
            raise Refused("21325", code)
        return Answer(200, self._token_members(token), TEXT)

    def _token_members(self, token: Token) -> dict[str, Any]:
        left = token.left(self._clock())
        user = self.store.user(token.uid)
        members: dict[str, Any] = {
            "access_token": token.text,
            "remind_in": str(left),  # a text, and deprecated
            "expires_in": left,
            "uid": str(token.uid),  # a text here, a number in get_token_info
            "isRealName": "true" if user is not None and user.real_name else "false",
        }
        return members | ({"scope": token.scope} if token.scope else {})

    def _client(self, call: Call) -> Application:
        """Return the application that calls: by form, by query, or by HTTP Basic (RFC 6749 §2.3.1)."""
        basic = call.request.authorization
        given = (basic.username, basic.password) if basic is not None and basic.type == "basic" else (None, None)
        app_key, app_secret = call.value("client_id") or given[0], call.value("client_secret") or given[1]
        if not app_key or not app_secret:
            raise Refused("21323-client")
        application = self.store.application(app_key)
        if application is None:
            raise Refused("21324-client", app_key)
        if not secrets.compare_digest(app_secret.encode(), application.app_secret.encode()):
            raise Refused("21324-secret")
        return application

    def _get_token_info(self, call: Call) -> Answer:
        text = call.value("access_token") or ""
        token = self.store.token(text)
        if token is None:
            raise Refused("21317-info", text[-9:])  # a part of the token is echoed (recorded)
        info = {
            "uid": token.uid,
            "appkey": token.app_key,
            "scope": token.scope or None,
            "create_at": token.created,
            "expire_in": token.left(self._clock()),  # 0 or less when it has expired; that is no error
        }
        return Answer(200, info, JSON)

    def _revoke(self, call: Call) -> Answer:
        self.store.revoke(self._bearer(call))
        return Answer(200, {"result": "true"}, JSON)

    # --- /2/ ---

    def _users_show(self, call: Call) -> Answer:
        token = self._bearer(call)
        uid, name = call.value("uid"), call.value("screen_name")
        if uid and name:
            raise Refused("10008")
        if not uid and not name:
            raise Refused("10016", "uid")
        if uid and (re.fullmatch(r"[0-9]{1,19}", uid) is None or int(uid) >= 2**63):
            raise Refused("10017", uid)
        user = self.store.user(int(uid)) if uid else self.store.user_named(name or "")
        if user is None:
            raise Refused("20003")
        authorised = user.uid == token.uid or self.store.granted(token.app_key, user.uid)
        return Answer(200, profile(user, call.base, authorised=authorised), JSON)

    def _email(self, call: Call) -> Answer:
        token = self._bearer(call)
        application, user = self.store.application(token.app_key), self.store.user(token.uid)
        asked = {"email", "all"} & set(token.scope.split(","))
        if application is None or user is None or not application.email or not asked:
            raise Refused("21330-email")
        return Answer(200, [{"email": user.email}], JSON)

    def _bearer(self, call: Call) -> Token:
        """Return the token of the call, from a parameter or from `Authorization: OAuth2 …`, if it may be used."""
        text = call.value("access_token")
        if text is None:
            scheme, _, rest = call.request.headers.get("Authorization", "").partition(" ")
            text = rest.strip() if scheme.lower() == "oauth2" else None
        if text is None:
            raise Refused("10006")
        if not text:
            raise Refused("21301-empty")
        token = self.store.token(text)
        if token is None:
            raise Refused("21332")
        if token.left(self._clock()) <= 0:
            raise Refused("21327")
        application = self.store.application(token.app_key)
        if application is not None and application.testers is not None and token.uid not in application.testers:
            raise Refused("21321")
        return token

    def _metadata(self, request: Request) -> Response:
        """Return RFC 8414 metadata, which the real service has not: only the PKCE switches bring it about."""
        base = request.host_url.rstrip("/")
        document = {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth2/authorize",
            "token_endpoint": f"{base}/oauth2/access_token",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
        }
        return respond(200, spell(document), JSON)
