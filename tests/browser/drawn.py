"""What the oracle is asked, drawn by lot: exchanges, mutants of those that succeed, services, stories.

Draws are seeded: the same seed and count are the same cases.
"""

import random
from dataclasses import replace

from dada.fetch import Answer, FetchCall
from tests.browser.handmade import (
    AGE,
    CREDENTIALS,
    EXPOSE,
    HEADERS,
    HELD,
    METHODS,
    ORIGIN,
    STATUSES,
    chapter,
    refused,
    unread,
)  # fmt: skip
from tests.browser.oracle import predict
from tests.browser.questions import PAGE, SHOP, Case, Service

# --- exchanges -------------------------------------------------------------------------------------------

VERBS = ["GET"] * 3 + ["POST"] * 2 + ["PUT"] * 2 + ["HEAD", "DELETE", "PATCH", "patch", "get", "OPTIONS", "QUERY"]
SAFE = [
    ("Accept", "a"), ("accept", "a" * 90), ("Accept-Language", "en"), ("Content-Language", "de, en"), ("DPR", "2"),
    ("Content-Type", "text/plain"), ("Content-Type", "multipart/form-data"), ("Content-Type", "text/plain;a=b"),
    ("Range", "bytes=1-"),
]  # fmt: skip
UNSAFE = [
    ("X-A", "1"), ("x-b", "2"), ("X-A", "3"), ("Authorization", "x"), ("Content-Type", "application/json"), ("*", "1"),
    ("Accept", "("), ("Accept-Language", "!"), ("Range", "bytes=-1"), ("DPR", "x"), ("If-None-Match", "x"),
]  # fmt: skip
ODD = [
    ("Cookie", "a"), ("User-Agent", "x"), ("X-HTTP-Method", "TRACE"), ("Save-Data", "on"), ("Sec-A", "1"), ("a b", "1"),
]  # fmt: skip


def some(draw, pool, most):
    return [draw.choice(pool) for _ in range(draw.randint(0, most))]


def a_call(draw):
    """Return what a page may ask its browser for."""
    method = draw.choice(VERBS)
    headers = some(draw, SAFE, 2) + some(draw, UNSAFE, 2) + (some(draw, ODD, 1) if draw.random() < 0.3 else [])
    draw.shuffle(headers)
    listens = draw.random() < 0.15
    body = "x" if draw.random() < 0.3 and (listens or method.upper() not in ("GET", "HEAD")) else None
    mode = draw.choice(["omit", "same-origin", "include"])
    return FetchCall(method, SHOP, PAGE, tuple(headers), mode, body, listens)


def right(draw, call):
    """Return answers that let the page do what it asks, in one of several ways."""
    star = call.credentials != "include" and draw.random() < 0.4
    origin = [(ORIGIN, "*" if star else PAGE)]
    permits = [(CREDENTIALS, "true")] if call.credentials == "include" or draw.random() < 0.3 else []
    methods = [call.method, call.method.upper(), *some(draw, ["PUT", "GET", "X"], 2)]
    names = [*(["*"] if star else []), *(name for name, _ in call.headers if " " not in name)]
    granted = [(METHODS, "*" if star and draw.random() < 0.5 else ", ".join(methods)), (HEADERS, ",".join(names))]
    asked = [*origin, *permits, *granted, *some(draw, [(AGE, "5"), (AGE, "x"), ("Vary", "Origin")], 2)]
    exposed = draw.choice([[], [(EXPOSE, "*")], [(EXPOSE, "x-kept")], [(EXPOSE, "ETag, X-Kept")]])
    told = [*origin, *permits, *exposed, *some(draw, [*HELD, ("Content-Type", "text/plain")], 3)]
    draw.shuffle(told)
    status = draw.choice([200, 200, 201, 404, 500])
    return Answer(draw.choice([200, 204]), tuple(asked)), Answer(status, tuple(told))


def at_random(seed, count):
    """Return exchanges: a call, and answers that suit it here and there."""
    draw = random.Random(seed)
    for _ in range(count):
        call = a_call(draw)
        found = Case(call, *right(draw, call if draw.random() < 0.6 else a_call(draw)))
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            found = mutant(draw, found)
        yield found


# --- mutants ---------------------------------------------------------------------------------------------

TAILS = [" ", ",", ";", "/", "a", "*", "\t", "\xe4", '"', "(", "=", "\x7f"]
WORDS = ["*", "", "null", "true", PAGE, SHOP, "PUT", "x-a", "1", "x-a, *"]
CHANGES = [
    lambda draw, text: text.swapcase(),
    lambda draw, text: text + draw.choice(TAILS),
    lambda draw, text: draw.choice([" ", ",", "a", "*,", '"']) + text,
    lambda draw, text: text[: draw.randint(0, len(text))],
    lambda draw, text: text[draw.randint(0, len(text)) :],
    lambda draw, text: f"{text},{text}",
    lambda draw, text: text.replace(",", draw.choice([" ", ";", ",,", " , ", "\t,"])),
    lambda draw, text: draw.choice(WORDS),
    lambda draw, text: text * draw.choice([2, 40, 130]),
]


def mutants(seed, count):
    """Return exchanges in which the page got its answer, changed in one place."""
    draw = random.Random(seed)
    while count:
        call = a_call(draw)
        found = Case(call, *right(draw, call))
        if predict(found).shared:
            yield mutant(draw, found)
            count -= 1


def mutant(draw, found):
    """Return *found*, changed in one place."""
    call, preflight, actual = found.call, found.preflight, found.actual
    match draw.randrange(8):
        case 0:
            call = replace(call, credentials=draw.choice(["omit", "same-origin", "include"]))
        case 1:
            call = replace(call, method=draw.choice([call.method.swapcase(), call.method + "X", "PUT", "POST", "*"]))
        case 2:
            call = replace(call, headers=_changed(draw, call.headers))
        case 3:
            actual = actual._replace(headers=_changed(draw, actual.headers))
        case 4:
            preflight = preflight._replace(status=draw.choice(STATUSES))
        case 5:
            call = replace(call, upload_listener=not call.upload_listener)
        case _:
            preflight = preflight._replace(headers=_changed(draw, preflight.headers))
    return Case(call, preflight, actual)


def _changed(draw, headers):
    """Return *headers* with one of them dropped, doubled, moved, or written otherwise."""
    if not headers:
        return (draw.choice([*SAFE, *UNSAFE]),)
    at = draw.randrange(len(headers))
    name, value = headers[at]
    others = (*headers[:at], *headers[at + 1 :])
    match draw.randrange(6):
        case 0:
            return others
        case 1:
            return (*headers, (name, value))
        case 2:
            return (*others, (name.swapcase(), value))
        case _:
            return (*headers[:at], (name, draw.choice(CHANGES)(draw, value)[:2000]), *headers[at + 1 :])


# --- services under a policy -----------------------------------------------------------------------------

POLICIES = {
    "origins": [[PAGE], [PAGE, SHOP], ["*"], [f"{PAGE}:*"], [SHOP], ["https://*.page.example"], [SHOP, f"{PAGE}:*"]],
    "methods": [[], ["PUT", "OPTIONS"], ["PATCH", "DELETE", "PUT"], ["patch"], ["*"]],
    "request_headers": [
        [], ["X-A"], ["Content-Type", "X-A", "Authorization"], ["*"], ["*", "Authorization"], ["accept", "DPR"],
    ],
    "response_headers": [[], ["X-Kept"], ["*"], ["ETag", "Vary", "x-kept"]],
    "credentials": [False, False, True],
    "max_age": [None, 0, 600],
    "timing": [False, True],
    "disclosure": ["minimal", "full"],
}  # fmt: skip
APPLICATION = [*HELD, ("Content-Type", "text/plain"), ("Vary", "*"), (ORIGIN, SHOP), (EXPOSE, "*"), (METHODS, "PUT")]


def services(seed, count):
    """Return calls to services under policies; what a policy may not say is drawn again."""
    draw = random.Random(seed)
    while count:
        settings = {name: draw.choice(values) for name, values in POLICIES.items()}
        if settings["credentials"] and "*" in settings["origins"] + settings["response_headers"]:
            continue
        settings["dangerously_allow_insecure_origins"] = True
        call = replace(a_call(draw), origin=draw.choice([PAGE] * 6 + ["null"]))
        if draw.random() < 0.5:  # … a call that the policy may well let through
            named = [name for name in settings["request_headers"] if name != "*"] or ["X-Q"]
            headers = tuple((name, "1") for name in some(draw, named, 1))
            mode = draw.choice(["omit", "include"] if settings["credentials"] else ["omit", "same-origin"])
            method = draw.choice(["PUT" if name == "*" else name for name in [*settings["methods"], "HEAD", "POST"]])
            call = replace(call, method=method, headers=headers, credentials=mode, body=None)
        status = draw.choice([200, 200, 201, 204, 304, 401, 404, 500])
        yield Service(settings, call, Answer(status, tuple(some(draw, APPLICATION, 4))))
        count -= 1


# --- stories ---------------------------------------------------------------------------------------------


def stories(seed, count):
    """Return stories of two to five calls, with such ages only as no waiting can change."""
    draw = random.Random(seed)
    for _ in range(count):
        yield [a_chapter(draw) for _ in range(draw.randint(2, 5))]


def a_chapter(draw):
    found = chapter(
        draw.choice(["PUT", "PUT", "DELETE", "GET", "POST"]),
        some(draw, ["x-a", "x-b", "Authorization"], 1),
        grants=draw.choice(["PUT", "PUT,DELETE", "*", "PUT, *", "DELETE", ""]),
        allows=draw.choice(["x-a", "x-a,x-b", "*", "*,authorization", "authorization"]),
        age=draw.choice(["600", "600", "0", "86400", "-1"]),
        path=draw.choice(["", "", "", "/x"]),
        mode=draw.choice(["omit", "same-origin", "include"]),
    )
    if found.call.method == "POST" and draw.random() < 0.5:
        found = replace(found, call=replace(found.call, body="x", upload_listener=True))
    return draw.choice([found] * 5 + [unread(found), refused(found)])
