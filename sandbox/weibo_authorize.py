"""`/oauth2/authorize`: log-in, consent, and every way back to the application.

    wrong client_id or redirect_uri    a page, and no redirect (RFC 6749 §4.1.2.1)
    not logged in, or forcelogin       step 1, who are you
    logged in, not granted             step 2, may it
    logged in and granted              straight back with a code: silent
    cancel                             back with access_denied

The ways back were recorded: `?state=…&code=…`, and `?error_uri=…&error=…&error_description=…&error_code=…`.  Whether
Weibo returns `state` with an error was not; here it comes back, as RFC 6749 §4.1.2.1 demands, and a switch drops it.

The log-in is remembered in a cookie named SUB: this is the provider's own world, the shop has none.

This file knows the way of a browser; it does not know how codes are kept.
"""

from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from werkzeug import Request, Response

from sandbox import site
from sandbox.faults import Fault, Faults
from sandbox.weibo_answers import Answer, Call
from sandbox.weibo_errors import ROWS, Row
from sandbox.weibo_store import Application, Store
from sandbox.weibo_users import User

__all__ = ["Authorize"]

COOKIE: Final = "SUB"

PARAMETERS: Final = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "display", "forcelogin", "language",
    "code_challenge", "code_challenge_method",
)  # fmt: skip


class Authorize:
    """The authorization endpoint (RFC 6749 §3.1)."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults

    def answer(self, call: Call) -> Answer | Response:
        """Return a page, or the way on."""
        request = call.request
        asked = _parameters(request)
        if wrong := self._wrong(request, asked):
            return self._page_of(request, ROWS[wrong])
        application = self._store.application(asked["client_id"])
        assert application is not None  # noqa: S101 - `_wrong` looked
        if refused := self._refused(asked):
            return self._back_with_error(application, asked, ROWS[refused], "error")
        user = self._store.logged_in(request.cookies.get(COOKIE, ""))
        if request.method == "POST" and "action" in request.form:
            return self._act(request, asked, application, user)
        if user is None or asked.get("forcelogin") == "true":
            return self._page(request, "log_in.html", asked, application, users=self._store.users)
        if self._store.granted(application.app_key, user.uid):
            return self._back_with_code(application, asked, user, "silent")
        scopes = [scope for scope in asked.get("scope", "").split(",") if scope]
        return self._page(request, "consent.html", asked, application, user=user, scopes=scopes)

    def refuse(self, call: Call, row: Row, fault: Fault) -> Response:
        """Return *row* because a switch wants it: on a page where Weibo shows one, else on the way back."""
        asked = _parameters(call.request)
        wrong = self._wrong(call.request, asked)
        application = self._store.application(asked.get("client_id", ""))
        if wrong or application is None or row.error in ("invalid_client", "redirect_uri_mismatch", "invalid_request"):
            response = self._page_of(call.request, row)
            response.status_code = fault["status"] or row.status
            return response
        return self._back_with_error(application, asked, row, "error")

    # --- what may be wrong ---

    def _wrong(self, request: Request, asked: dict[str, str]) -> str:
        """Return the row for a request that must not be answered by a redirect, or ""."""
        every = [*request.args.items(multi=True), *request.form.items(multi=True)]
        names = [name for name, _ in every if name in PARAMETERS]
        if len(names) != len(set(names)) or not asked.get("client_id") or not asked.get("redirect_uri"):
            return "21323"  # a parameter is missing, or stands twice (RFC 6749 §3.1)
        application = self._store.application(asked["client_id"])
        if application is None:
            return "21324"
        return "" if asked["redirect_uri"] == application.redirect_uri else "21322"

    def _refused(self, asked: dict[str, str]) -> str:
        """Return the row for a request that is answered by a redirect with an error, or ""."""
        if asked.get("response_type", "code") != "code":
            return "21329"
        challenged = asked.get("code_challenge") and asked.get("code_challenge_method") == "S256"
        return "21323" if self._faults.standing("pkce-required") and not challenged else ""  # RFC 7636 §4.4.1

    # --- what a person does ---

    def _act(self, request: Request, asked: dict[str, str], application: Application, user: User | None) -> Response:
        if not site.same_origin(request):
            return site.page(request, "error.html", {"reason": "error.foreign", "row": None}, status=403)
        match request.form["action"]:
            case "cancel":
                return self._back_with_error(application, asked, ROWS["21330"], "denied")
            case "another":
                self._store.log_out(request.cookies.get(COOKIE, ""))
                return _again(request, asked)
            case "login":
                return self._log_in(request, asked)
            case "allow" if user is not None:
                self._store.grant(application.app_key, user.uid)
                return self._back_with_code(application, asked, user, "consent")
        return _again(request, asked)

    def _log_in(self, request: Request, asked: dict[str, str]) -> Response:
        uid = request.form.get("uid", "")
        user = self._store.user(int(uid)) if uid.isascii() and uid.isdecimal() and len(uid) < 20 else None
        response = _again(request, asked)
        if user is not None:
            self._store.log_out(request.cookies.get(COOKIE, ""))
            response.set_cookie(COOKIE, self._store.log_in(user.uid), httponly=True, samesite="Lax", path="/")
        return response

    # --- pages ---

    def _page(
        self, request: Request, template: str, asked: dict[str, str], application: Application, **values: object
    ) -> Response:
        target = urlsplit(application.redirect_uri)
        everything = {"application": application, "action": _address(request, asked), **values}
        return site.page(request, template, everything, target=f"{target.scheme}://{target.netloc}")

    def _page_of(self, request: Request, row: Row) -> Response:
        reason = f"error.{row.code}" if row.code in (21322, 21323, 21324) else ""
        return site.page(request, "error.html", {"row": row, "reason": reason}, status=row.status)

    # --- the ways back ---

    def _back_with_code(self, application: Application, asked: dict[str, str], user: User, on: str) -> Response:
        code = self._store.new_code(
            application.app_key,
            application.redirect_uri,
            user.uid,
            asked.get("scope", ""),
            asked.get("code_challenge", ""),
        )
        return self._back(application, asked, [("code", code)], on)

    def _back_with_error(self, application: Application, asked: dict[str, str], row: Row, on: str) -> Response:
        pairs = [
            ("error_uri", "/oauth2/authorize"),
            ("error", row.error),
            ("error_description", row.description),
            ("error_code", str(row.code)),
        ]
        return self._back(application, asked, pairs, on)

    def _back(self, application: Application, asked: dict[str, str], pairs: list[tuple[str, str]], on: str) -> Response:
        """Return the redirect to the application, `state` in front; *on* is what switches can choose by."""
        state = [("state", asked["state"])] if "state" in asked else []
        for fault in self._faults.take("return", on=on):
            if fault.kind == "state-dropped":
                state = []
            elif fault.kind == "state-changed":
                state = [("state", f"{asked.get('state', '')}x")]
            else:
                state *= 2
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in [*state, *pairs])
        mark = "&" if "?" in application.redirect_uri else "?"
        response = Response(status=302, headers={"Location": f"{application.redirect_uri}{mark}{query}"})
        response.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        return response


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the protocol, of the query or of a form."""
    return {name: request.values[name] for name in PARAMETERS if name in request.values}


def _address(request: Request, asked: dict[str, str]) -> str:
    """Return the address of this step, with what was asked, and without forcing a log-in that is being done."""
    pairs = {name: value for name, value in asked.items() if name != "forcelogin"}
    return f"{request.path}?{urlencode(pairs, errors='replace')}"


def _again(request: Request, asked: dict[str, str]) -> Response:
    """Return the redirect that shows what comes next; reloading that page sends no form twice."""
    response = Response(status=303, headers={"Location": _address(request, asked)})
    response.headers["Cache-Control"] = "no-store"
    return response
