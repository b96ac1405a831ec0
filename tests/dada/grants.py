"""What a policy grants, said once more in the plainest words, and drawn pairs of a policy and a call to try it with.

This is no model: it knows no steps, no preflights and no headers of the protocol.  A page may do something if the
policy names it; that is all, and both the model and a real browser have to come to the same.
"""

import random

from dada.cors import Policy, PolicyError
from dada.fetch import Answer, FetchCall

PAGE, SHOP = "http://page.example", "http://shop.example"
SETTINGS = {
    "origins": [[PAGE], [SHOP, PAGE], ["*"], [f"{PAGE}:*"], [SHOP], ["http://*.page.example"]],
    "methods": [[], ["PUT"], ["patch", "DELETE"], ["*"]],
    "request_headers": [[], ["X-A"], ["content-type", "Authorization"], ["*"], ["*", "Authorization"]],
    "response_headers": [[], ["ETag"], ["x-kept", "Expires"], ["*"]],
    "credentials": [False, True],
    "disclosure": ["minimal", "full"],
}
METHODS = {
    "GET": "GET", "post": "POST", "head": "HEAD", "PUT": "PUT", "put": "PUT", "patch": "patch", "PATCH": "PATCH",
    "DELETE": "DELETE", "Query": "Query",
}  # fmt: skip
HARMLESS = [("Accept", "a/b"), ("Content-Type", "text/plain"), ("Content-Language", "de"), ("Range", "bytes=0-9")]
ASKED_FOR = [("X-A", "1"), ("Content-Type", "application/json"), ("Authorization", "x"), ("If-Match", "*")]
TOLD = (("ETag", '"1"'), ("X-Kept", "1"), ("Content-Type", "text/plain"), ("Set-Cookie", "a=b"))
OPEN = {"content-type", "content-length", "cache-control", "expires", "last-modified", "pragma", "content-language"}


def pairs(seed, count):
    """Return pairs of a policy's settings and a call; what no policy may say is drawn again."""
    draw = random.Random(seed)
    while count:
        settings = {name: draw.choice(values) for name, values in SETTINGS.items()}
        settings["dangerously_allow_insecure_origins"] = True
        try:
            Policy(**settings)
        except PolicyError:
            continue
        headers = draw.sample(HARMLESS, draw.choice([0, 0, 1])) + draw.sample(ASKED_FOR, draw.choice([0, 0, 1, 2]))
        if len({name for name, _ in headers}) == len(headers):
            origin, mode = draw.choice([PAGE] * 7 + ["null"]), draw.choice(["omit", "same-origin", "include"])
            yield settings, FetchCall(draw.choice(list(METHODS)), f"{SHOP}/here", origin, tuple(headers), mode)
            count -= 1


def answer():
    """Return what the application says."""
    return Answer(200, TOLD)


def granted(settings, call):
    """Return which of the application's headers the page may read, or None if it may not read the answer."""
    methods, names = settings["methods"], {name.lower() for name in settings["request_headers"]}
    method, set_here = METHODS[call.method], {name.lower() for name, _ in set(call.headers) - set(HARMLESS)}
    may = (
        ("*" in settings["origins"] or (call.origin == PAGE and {PAGE, f"{PAGE}:*"} & set(settings["origins"])))
        and (settings["credentials"] or call.credentials != "include")
        and (method in ("GET", "HEAD", "POST") or method in methods or "*" in methods)
        and all(name in names or ("*" in names and name != "authorization") for name in set_here)
    )
    if not may:
        return None
    said, exposed = {name.lower() for name, _ in TOLD}, {name.lower() for name in settings["response_headers"]}
    return {name for name in said - {"set-cookie"} if name in OPEN | exposed or "*" in exposed}
