"""The OAuth lab: the authorization code grant in its eight steps, played whole, and attacked in five ways.

    GET  /labs/oauth         the experiments
    POST /labs/oauth         {"experiment"}: what happened, step by step

Our side is `dada/oauth.py`, the very functions that the shop calls; the other side is the look-alike of Weibo, an
instance of its own, called in this process.  Each browser has its own cookies and its own secret.  Where an attack is
stopped, what a careless client would have got is played too, so that one sees what the check is for.

This file knows who does what in which experiment; it does not know how anything is decided.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from werkzeug.test import Client

from dada import oauth
from sandbox.labs import BadQuestion, NoSuchThing, text
from sandbox.sources import place
from sandbox.trace_gates import oauth_steps
from sandbox.weibo import Weibo
from sandbox.weibo_store import Application

__all__ = ["OAuthLab"]

ADA: Final = 9000000003
MALLORY: Final = 9000000004
CALLBACK: Final = "http://127.0.0.1:7000/callback/lab.html"

Told = list[dict[str, Any]]


class _Browser:
    """A person's browser: cookies at the provider, and what the page keeps in the tab."""

    def __init__(self, name: str, uid: int, weibo: Weibo) -> None:
        self.name, self.uid, self.client = name, uid, Client(weibo)
        self.verifier = ""


class _Play:
    """One experiment as it runs: the parties, what the API remembers, and what is told."""

    def __init__(self) -> None:
        secret = secrets.token_hex(16)
        self.weibo = Weibo([Application("lab", secret, CALLBACK, "Lab")], admin_token=secrets.token_hex(16))
        self.provider = oauth.Provider(
            "weibo", "lab", secret, "http://127.0.0.1:9000/oauth2/authorize",
            "http://127.0.0.1:9000/oauth2/access_token", CALLBACK,
        )  # fmt: skip
        self.ada, self.mallory = _Browser("ada", ADA, self.weibo), _Browser("mallory", MALLORY, self.weibo)
        self.remembered: dict[str, oauth.Pending] = {}
        self.told: Told = []

    def tell(self, key: str, parties: tuple[str, str], line: str = "", **more: Any) -> None:
        """Add a step: *key* names its words, *line* is what was sent."""
        self.told.append({"key": key, "from": parties[0], "to": parties[1], "line": line, "checks": [], **more})

    # --- the eight steps ---

    def leave(self, who: _Browser) -> str:
        """Steps 1 and 2: the page makes its secret, the API begins; return the provider's URL."""
        who.verifier = oauth.new_secret()
        shown = oauth.challenge(who.verifier)
        where = place(oauth.challenge)
        line = f"GET /v1/users/weibo/authorization?code_challenge={shown}"
        self.tell("ask", (who.name, "api"), line, values=[["verifier", who.verifier]], source=where)
        state, pending, url = oauth.begin(self.provider, shown)
        self.remembered[oauth.state_key(state)] = pending
        kept = [["state", state], ["challenge", pending.challenge]]
        self.tell("begin", ("api", who.name), url, values=kept, source=place(oauth.begin))
        return url

    def consent(self, who: _Browser, url: str, *, allow: bool = True) -> dict[str, str]:
        """Steps 3, 4 and 5: over to the provider, log in, consent; return the parameters of the way back."""
        target = url.removeprefix("http://127.0.0.1:9000")
        page = who.client.get(target)
        self.tell("go", (who.name, "weibo"), f"GET {target}", status=page.status_code)
        who.client.post(target, data={"action": "login", "uid": str(who.uid)})
        back = who.client.post(target, data={"action": "allow" if allow else "cancel"})
        self.tell("allow" if allow else "deny", (who.name, "weibo"), f"POST {target.partition('?')[0]}")
        location = back.headers["Location"]
        self.tell("back", ("weibo", who.name), f"303 Location: {location}")
        return dict(parse_qsl(urlsplit(location).query))

    def arrive(self, who: _Browser, params: Mapping[str, str]) -> oauth.TokenRequest | None:
        """Step 6: the page hands over what came back; return the token request, or None where a check refused."""
        body = json.dumps({**params, "verifier": who.verifier})
        line = f"POST /v1/users/weibo/users\n{body}"
        try:
            returned = oauth.read_return(params)
        except oauth.OAuthError as error:
            step = {
                "kind": "check", "group": "oauth", "name": "state", "clause": error.clause, "verdict": "failed",
                "found": error.detail, "source": place(oauth.read_return),
            }  # fmt: skip
            self.tell("arrive", (who.name, "api"), line, checks=[step])
            self.tell("refused", ("api", who.name), f"400 {error.reason}", stopped=True)
            return None
        pending = self.remembered.pop(oauth.state_key(returned.state), None)  # once, whatever comes of it
        admission = oauth.Admission(self.provider, returned, pending, who.verifier)
        self.tell("arrive", (who.name, "api"), line, checks=oauth_steps(admission))
        try:
            return oauth.admit(admission)
        except oauth.OAuthError as error:
            self.tell("refused", ("api", who.name), f"400 {error.reason}", stopped=True)
            return None

    def exchange(self, request: oauth.TokenRequest, who: _Browser, *, careless: bool = False) -> None:
        """Steps 7 and 8: the code for a token, the token for a person."""
        form = "&".join(f"{name}={value}" for name, value in request.form.items())
        reply = Client(self.weibo).post("/oauth2/access_token", data=request.form)
        self.tell("exchange", ("api", "weibo"), f"POST /oauth2/access_token\n{form}", careless=careless)
        try:
            answer = oauth.read_token(reply.status_code, reply.data)
        except oauth.OAuthError as error:
            line = f"{reply.status_code} {reply.text.strip()}\n→ {error.reason}"
            self.tell("spent", ("weibo", "api"), line, stopped=True, careless=careless, source=place(oauth.read_token))
            return
        info = Client(self.weibo).post("/oauth2/get_token_info", data={"access_token": answer.access_token})
        user = self.weibo.store.user(int(json.loads(info.data)["uid"]))
        name = user.screen_name if user else ""
        wrong = bool(user and user.uid != who.uid)
        self.tell(
            "wrong" if wrong else "logged_in", ("api", who.name), info.text.strip(), careless=careless, person=name,
            stopped=False, source=place(oauth.read_token),
        )  # fmt: skip

    def carelessly(self, who: _Browser, code: str) -> None:
        """Play what a client without the checks would have done."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "client_id": self.provider.client_id, "client_secret": self.provider.client_secret,
        }  # fmt: skip
        self.exchange(oauth.TokenRequest(self.provider.token_url, form), who, careless=True)


# --- the experiments -------------------------------------------------------------------------------------


def _honest(play: _Play) -> None:
    request = play.arrive(play.ada, play.consent(play.ada, play.leave(play.ada)))
    if request is not None:
        play.exchange(request, play.ada)


def _steal(play: _Play) -> None:
    """Mallory reads Ada's callback address (a log, a shoulder), and is faster."""
    params = play.consent(play.ada, play.leave(play.ada))
    play.mallory.verifier = oauth.new_secret()
    play.tell("stolen", ("ada", "mallory"), f"{CALLBACK}?code={params['code']}&state={params['state']}")
    if play.arrive(play.mallory, params) is None:
        play.carelessly(play.mallory, params["code"])


def _drop(play: _Play) -> None:
    """Mallory sends Ada a callback address with a code of her own, and no state at all."""
    params = play.consent(play.mallory, play.leave(play.mallory))
    play.tell("planted", ("mallory", "ada"), f"{CALLBACK}?code={params['code']}")
    play.ada.verifier = oauth.new_secret()
    if play.arrive(play.ada, {"code": params["code"]}) is None:
        play.carelessly(play.ada, params["code"])


def _swap(play: _Play) -> None:
    """Mallory begins in her browser, and has Ada's browser come back: code and state are both good, for Mallory."""
    params = play.consent(play.mallory, play.leave(play.mallory))
    play.tell("planted", ("mallory", "ada"), f"{CALLBACK}?code={params['code']}&state={params['state']}")
    play.ada.verifier = oauth.new_secret()
    if play.arrive(play.ada, params) is None:
        play.carelessly(play.ada, params["code"])


def _replay(play: _Play) -> None:
    """The same way back, twice: the state is forgotten by then, and the code is spent."""
    params = play.consent(play.ada, play.leave(play.ada))
    request = play.arrive(play.ada, params)
    if request is not None:
        play.exchange(request, play.ada)
    if play.arrive(play.ada, params) is None:
        play.carelessly(play.ada, params["code"])


def _deny(play: _Play) -> None:
    play.arrive(play.ada, play.consent(play.ada, play.leave(play.ada), allow=False))


EXPERIMENTS: Final[Mapping[str, Callable[[_Play], None]]] = {
    "honest": _honest, "steal": _steal, "drop": _drop, "swap": _swap, "replay": _replay, "deny": _deny,
}  # fmt: skip


class OAuthLab:
    """The lab."""

    def answer(self, method: str, path: tuple[str, ...], body: Mapping[str, Any], _: str) -> Any:
        """See the head of this file."""
        match method, path:
            case "GET", ():
                return {"experiments": list(EXPERIMENTS)}
            case "POST", ():
                name = text(body, "experiment")
                if name not in EXPERIMENTS:
                    raise BadQuestion(f"experiment is none of {', '.join(EXPERIMENTS)}")
                play = _Play()
                EXPERIMENTS[name](play)
                return {"experiment": name, "steps": play.told}
        raise NoSuchThing
