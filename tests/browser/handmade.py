"""What the oracle is asked, written by hand: tables of cases, each named after the rule that it is about."""

from dataclasses import replace
from itertools import product

from dada.fetch import Answer, FetchCall
from tests.browser.questions import OTHER, PAGE, SHOP, Case

ORIGIN, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
METHODS, HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
EXPOSE, AGE = "Access-Control-Expose-Headers", "Access-Control-Max-Age"
LET_IN = ((ORIGIN, PAGE), (CREDENTIALS, "true"))
MODES = ["omit", "include"]


def lines(name, values):
    return tuple((name, value) for value in values)


def case(method="GET", headers=(), *, mode="omit", body=None, listens=False, url=SHOP, asked=(), told=(), **codes):
    """Return a case: *asked* and *told* are what the two answers say besides letting the page in."""
    return Case(
        FetchCall(method, url, PAGE, tuple(headers), mode, body, listens),
        Answer(codes.get("preflight", 204), (*LET_IN, *asked)),
        Answer(codes.get("status", 200), (*LET_IN, *told)),
    )


def answered(origins, mode, permits=("true",)):
    """Return two cases with these lines in the answer: to a simple request, and to a preflight."""
    said = lines(ORIGIN, origins) + lines(CREDENTIALS, permits)
    yield replace(case(mode=mode), actual=Answer(200, said))
    yield replace(case("PUT", mode=mode), preflight=Answer(204, (*said, (METHODS, "PUT"))))


# --- texts, right and wrong ------------------------------------------------------------------------------

LISTS = [  # of the names A and B
    [], [""], ["A"], ["a"], ["A,B"], ["B,A"], ["B", "A"], [" A "], ["A,"], [",A"], [",,A,,"], ["A B"], ["A;B"],
    ['"A"'], ["*"], ["*, A"], ["A,*"], ["**"], ["A\t,\tB"], ["A,(x)"], ["A", "(x)"], ["(x)", "A"], ["A,\xe4"],
    ["AA"], ["A=1"], ["A/x"], ["A\x0b"], ["", ""], ["", "A"], ["A\xa0"], ["a:b,A"], ["A,A"], ["all"], ["A,,*"],
]  # fmt: skip


def listed(name, a, b):
    """Return the lines of a list header in all these ways of writing it."""
    for values in LISTS:
        yield lines(name, [value.replace("A", a).replace("B", b) for value in values])


ORIGINS = [
    [], [PAGE], ["*"], [SHOP], ["null"], [""], [f"{PAGE}/"], [PAGE.replace("http", "HTTP")], [f"\t{PAGE} "],
    [f"{PAGE},{PAGE}"], [PAGE, PAGE], [PAGE, SHOP], ["*", "*"], ["*", PAGE], ["* "], ["*,*"], [f"{PAGE}:80"],
    ["http://*"], ["true"], ["\xe4"], [f"{PAGE}\xa0"], [f"{PAGE}#x"], [f"'{PAGE}'"], ['"*"'], ["**"], ["", PAGE],
]  # fmt: skip
PERMITS = [
    [], ["true"], ["TRUE"], ["True"], ["false"], [" true "], ["true", "true"], ["true,true"], ["1"], [""], ["true,"],
    ['"true"'], ["true", ""],
]  # fmt: skip
STATUSES = [
    200, 201, 202, 203, 204, 205, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409,
    410, 413, 415, 416, 418, 421, 425, 429, 451, 500, 501, 502, 503, 504, 511, 599, 600, 999,
]  # fmt: skip
SPOKEN = [
    "", "GET", "get", "Head", "head", "post", "pOST", "put", "PUT", "delete", "Options", "patch", "PATCH", "PaTch",
    "QUERY", "query", "CONNECT", "connect", "TRACE", "track", "CHICKEN", "a b", "*", "GET ", "\xe4", "PO\u017fT",
    "!#$%&'*+-.^_`|~", "x" * 300,
]  # fmt: skip
CODES = (1, 8, 9, 11, 12, 14, 31, *range(32, 48), *range(58, 65), *range(91, 97), *range(123, 129), 160, 255)
EDGES = [chr(code) for code in CODES]
TYPES = [
    "text/plain", "TEXT/Plain", "text/plain;charset=utf-8", "text/plain ; x", "text/plain;", "text/plain; a=b, c",
    "text/plain, application/json", "text/plain x", "text/plain;charset=\xe4", "text/plain\xa0", 'text/plain;a="b"',
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/mixed", "application/json",
    "application/json;text/plain", "text/html", "", "text", "text/", "/plain", ";text/plain", " text/plain ",
]  # fmt: skip
RANGES = [
    "bytes=0-", "bytes=0-1", "bytes=5-1", "bytes=1-1", "bytes=-5", "bytes=", "bytes=1-2,3-4", "bytes 1-2", "Bytes=1-2",
    "bytes= 1-2", "bytes=1 -2", "items=1-2", "bytes=1", "bytes=01-2", f"bytes={2**63 - 2}-", f"bytes={2**63 - 1}-",
    f"bytes=0-{2**63 - 1}", "bytes=0-" + "9" * 120, "bytes=0-" + "9" * 121,
]  # fmt: skip
HINTS = {
    "DPR": ["1", "1.5", "1.", ".5", "-1", "x", "", "1, 1"],
    "Device-Memory": ["8", "0.25", "1e3"],
    "Downlink": ["10", "0.5", "+1"],
    "Width": ["1", "1.5"],
    "Viewport-Width": ["1024", "a"],
    "RTT": ["100", "1.5"],
    "ECT": ["4g", "slow-2g", "5g", "4G"],
    "Save-Data": ["on", "ON", "off", "1"],
}
NEVER_SET = [
    "Accept-Charset", "accept-encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method",
    "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin",
    "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Proxy-", "proxy-x", "Sec-",
    "sec-x",
]  # fmt: skip
TO_ASK_FOR = [
    "Proxy", "Sec", "Set-Cookie2", "Last-Event-ID", "If-None-Match", "Cache-Control", "Pragma", "Priority", "*", "X-A",
    "Access-Control-Allow-Origin", "X-Requested-With", "Authorization", "Forwarded", "User-Agent", "Early-Data",
    "Accept2", "Access-Control-Request-Private-Network", "Available-Dictionary", "Purpose", "Dictionary-ID",
    "Upgrade-Insecure-Requests", "Service-Worker", "X-Client-Data", "X-Forwarded-For", "Traceparent", "Want-Digest",
    "A-IM", "Alt-Used", "CDN-Loop", "Client-Cert", "Content-Encoding", "Critical-CH", "Depth", "Destination", "DPoP",
    "ETag", "From", "If-Match", "If-Modified-Since", "If-Range", "Max-Forwards", "Negotiate", "Origin-Agent-Cluster",
    "Ping-From", "Prefer", "Range-Unit", "Save-Dat", "SOAPAction", "Server-Timing", "Timing-Allow-Origin", "Warning",
]  # fmt: skip
INTERVENTIONS = ["", "x", "(\xe4)", "<https://a.example>; level=warning", "x" * 128, "x" * 129]
OVERRIDES = [
    "GET", "TRACE", "trace", "GET,TRACE", " track ", "a, CONNECT ,b", '"TRACE"', '"a,TRACE"', '"a,TRACE,b"', "TRACE x",
    '"a\\",TRACE,b"', "TRACE,", "", ",TRACE", 'a"b,TRACE', '"a",TRACE', "TRACE;q=1", "TR,ACE", '"\\', '"\\",b",TRACE',
]  # fmt: skip
TWICE = [
    ("Accept", "a", "b"), ("Accept", "a" * 100, "b" * 100), ("accept", "a" * 63, "b" * 63), ("X-A", "1", "2"),
    ("Content-Type", "text/plain;charset=x", "application/json"), ("Content-Type", "text/plain", "text/plain"),
    ("Content-Type", "application/json", "text/plain"), ("Content-Type", "text/plain;a", "text/plain"),
    ("Range", "bytes=1-", "bytes=2-"), ("Accept-Language", "en", "de"), ("DPR", "1", "2"),
]  # fmt: skip
NAMES = ["", "a b", "a:b", "\xe4", "a\n", "X-A ", "(a)"]
VALUES = ["", " a ", "\ta", "\xe4", "a\x7f", "\u0100", "a\nb", "a\0b", "\r\n a", "\ud800"]
HELD = (("X-Kept", "1"), ("ETag", '"1"'), ("Set-Cookie", "a=b"), ("Vary", "a"))
TO_READ = (
    ("Cache-Control", "no-store"), ("Content-Language", "en"), ("Content-Type", "text/plain"), ("Expires", "0"),
    ("Last-Modified", "x"), ("Pragma", "x"), ("Server", "x"), ("Retry-After", "1"), ("Location", "/"),
)  # fmt: skip


def long_headers(total, count):
    """Return *count* safelisted headers whose values are *total* bytes together."""
    names = ["Accept", "Accept-Language", "Content-Language", "Content-Type", "DPR", "Width", "RTT", "Downlink"]
    for name in [*names, "Viewport-Width"][:count]:
        size = min(128, total)
        total -= size
        yield name, "text/plain;".ljust(size, "a") if name == "Content-Type" else "1" * size


# --- tables ----------------------------------------------------------------------------------------------

MANY_METHODS, MANY_HEADERS = (METHODS, "PUT,patch,DELETE,OPTIONS"), (HEADERS, "accept,content-type,range,x-a,x-b")
UPLOADERS = ["GET", "HEAD", "POST", "PUT", "patch", "TRACE", "a b"]
UPLOAD_GRANTS = [(), [MANY_METHODS], [(METHODS, "")], [(METHODS, "*")]]
TYPED = [*lines("Content-Type", TYPES), *lines("X-A", VALUES), ("a b", "1")]
ASKING = [[("X-A", "1")], [("Authorization", "1")], [("X-A", "1"), ("Authorization", "1")]]

HANDMADE = {
    "methods": [
        case(method, body=body, asked=[(METHODS, grant)])
        for method, body, grant in product(SPOKEN, (None, "x"), ("*", "PUT,patch,DELETE"))
    ],
    "uploads": [
        case(method, body=body, listens=True, asked=asked)
        for method, body, asked in product(UPLOADERS, [None, "x"], UPLOAD_GRANTS)
    ],
    "uploads with headers": [
        case("POST", headers, body="x", listens=True, asked=[MANY_HEADERS])
        for headers in [*([header] for header in TYPED), [("Accept", "a" * 100)] * 2]
    ],
    "edges of Accept and of languages": [
        case(headers=[(name, f"a{edge}b")])
        for edge, name in product(EDGES, ["Accept", "Accept-Language", "Content-Language"])
    ],
    "edges of Content-Type": [
        case(headers=[("Content-Type", f"text/plain{before}{edge}a")]) for edge, before in product(EDGES, ["", ";"])
    ],
    "content types": [
        case("POST", [("Content-Type", kind)], body=body, asked=asked)
        for kind, body, asked in product(TYPES, (None, "x"), ((), [MANY_HEADERS]))
    ],
    "a body brings its type": [
        case(method, body=body, asked=[MANY_METHODS]) for method, body in product(["POST", "PUT"], ["", "x"])
    ],
    "ranges": [case(headers=[("Range", value)]) for value in RANGES],
    "client hints": [case(headers=[(name, value)]) for name, values in HINTS.items() for value in values],
    "interventions": [case(headers=[("Intervention", value), ("X-A", "1")]) for value in INTERVENTIONS]
    + [case(headers=[("Intervention", value)]) for value in INTERVENTIONS],
    "length of a value": [
        case(headers=[(name, letter * length)])
        for name, letter, length in product(["Accept", "Accept-Language", "DPR"], ["1", "\xe4"], [127, 128, 129])
    ],
    "length of all values": [
        case(headers=[*long_headers(total, count), *more])
        for total, count, more in product([1023, 1024, 1025, 1100], [8, 9], [[], [("X-A", "1")]])
    ],
    "headers no page may set": [case(headers=[(name, "1"), ("X-A", "1")], asked=[MANY_HEADERS]) for name in NEVER_SET],
    "headers a page must ask for": [
        case(headers=[(name, "1")], asked=[(HEADERS, grant)]) for name, grant in product(TO_ASK_FOR, ["*", "x-b"])
    ],
    "override of methods": [
        case(headers=[(name, value)])
        for name, value in product(["X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"], OVERRIDES)
    ],
    "names that are none": [case(headers=[(name, "1")]) for name in NAMES],
    "values": [
        case(headers=[(name, value)], asked=[MANY_HEADERS]) for name, value in product(["X-A", "Accept"], VALUES)
    ],
    "repeated headers": [
        case(headers=[(name, first), (name, second)], asked=asked)
        for (name, first, second), asked in product(TWICE, [(), [MANY_HEADERS]])
    ],
    "what is asked for is sorted": [
        case("PUT", [("X-B", "1"), ("x-a", "1"), ("X-b", "2"), ("Accept", "a" * 129), ("Authorization", "x")]),
        case("PUT", [("X_A", "1"), ("X-A", "1"), ("XA", "1"), ("X1", "1")]),
    ],
    "allowed origins": [found for origins, mode in product(ORIGINS, MODES) for found in answered(origins, mode)],
    "allowed credentials": [
        found
        for permits, mode in product(PERMITS, ["same-origin", "include"])
        for found in answered([PAGE], mode, permits)
    ],
    "allowed methods": [
        case(method, mode=mode, asked=asked)
        for asked, mode, method in product(listed(METHODS, "PUT", "patch"), MODES, ["PUT", "patch"])
    ],
    "allowed headers": [
        case(headers=headers, mode=mode, asked=asked)
        for asked, mode, headers in product(listed(HEADERS, "x-A", "Authorization"), MODES, ASKING)
    ],
    "a header named *": [
        case(headers=[("*", "1")], mode=mode, asked=[(HEADERS, grant)]) for mode, grant in product(MODES, ["*", "x-a"])
    ],
    "statuses of preflights": [
        case("PUT", asked=[(METHODS, "PUT"), *more], preflight=status)
        for status, more in product(STATUSES, [(), [("Location", "/here/b")]])
    ],
    "statuses of answers": [
        case(method, asked=[(METHODS, "PUT")], status=status)
        for method, status in product(["GET", "HEAD", "PUT"], STATUSES)
    ],
    "exposed headers": [
        case(mode=mode, told=[*told, *HELD]) for told, mode in product(listed(EXPOSE, "x-Kept", "ETag"), MODES)
    ],
    "exposed headers of uploads": [
        case("POST", body="x", listens=True, mode=mode, told=[*told, *HELD])
        for told, mode in product(listed(EXPOSE, "x-Kept", "ETag"), MODES)
    ],
    "headers that may always be read": [
        case(told=[(EXPOSE, names), *TO_READ, *HELD])
        for names in ("", "Set-Cookie", "set-cookie,server", "x-missing", "location, Retry-After", "*")
    ],
    "the page's own origin": [
        replace(case(method, headers, mode=mode, url=PAGE), actual=Answer(200, told))
        for method, headers, mode, told in product(
            ["GET", "HEAD", "POST", "patch"], [(), [("X-A", "1"), ("Cookie", "1")]], MODES, [(), HELD]
        )
    ],
}


def sandboxed(found):
    """Return *found* as a call of a sandboxed frame, which gets in where PAGE got in."""
    preflight, actual = (
        answer._replace(headers=tuple((name, value.replace(PAGE, "null")) for name, value in answer.headers))
        for answer in (found.preflight, found.actual)
    )
    return Case(replace(found.call, origin="null"), preflight, actual)


NULL = [
    *map(sandboxed, [*HANDMADE["allowed origins"], *HANDMADE["allowed credentials"]]),
    *(replace(found, call=replace(found.call, origin="null")) for found in HANDMADE["allowed origins"]),
]

# --- stories: several calls to one address, and what the browser remembers of them -----------------------

NOT_KEPT = (("Cache-Control", "no-store"),)
UPLOAD = {"body": "x", "listens": True}


def chapter(method="PUT", names=(), *, grants="PUT", allows="x-a", age="600", path="", **more):
    """Return one call of a story, and the permission that it is given if it asks."""
    granted = (*lines(METHODS, [grants] if grants else []), (HEADERS, allows), (AGE, age))
    return case(method, [(name, "1") for name in names], asked=granted, told=NOT_KEPT, url=SHOP + path, **more)


def unread(found):
    """Return *found* with an answer that the page may not read."""
    return replace(found, actual=Answer(200, NOT_KEPT))


def refused(found):
    """Return *found* with a preflight that is refused."""
    return replace(found, preflight=Answer(403, ()))


STORIES = {
    "the same twice": [chapter(), chapter()],
    "age 0 keeps nothing": [chapter(age="0"), chapter()],
    "age 0 in two digits": [chapter(age="00"), chapter()],
    "age 0 with white space": [chapter(age=" 0 "), chapter()],
    "age -1": [chapter(age="-1"), chapter()],
    "age -0": [chapter(age="-0"), chapter()],
    "a day": [chapter(age="86400"), chapter()],
    "another listed method": [chapter(grants="PUT,DELETE"), chapter("DELETE")],
    "another method": [chapter(), chapter("DELETE", grants="DELETE"), chapter(), chapter("DELETE")],
    "another listed header": [chapter(allows="x-a,x-b"), chapter(names=["X-B"]), chapter("GET", ["x-a"])],
    "another header": [chapter(), chapter("GET", ["x-c"]), chapter()],
    "a safelisted method needs no listing": [chapter(), chapter("GET", ["x-a"]), chapter("HEAD", ["x-a"])],
    "any method and header": [chapter(grants="*", allows="*"), chapter("DELETE", ["x-z"])],
    "any header but Authorization": [chapter(allows="*"), chapter("GET", ["Authorization"])],
    "Authorization listed": [chapter(allows="*, Authorization"), chapter("GET", ["Authorization"])],
    "with credentials, then without": [chapter(mode="include"), chapter(), chapter(mode="same-origin")],
    "without credentials, then with": [chapter(), chapter(mode="include"), chapter()],
    "any method, with credentials": [chapter(mode="include", grants="PUT,*"), chapter("DELETE", mode="include")],
    "any header, with credentials": [chapter(mode="include", allows="*"), chapter("GET", ["x-q"])],
    "two permissions, with credentials and without": [
        chapter(mode="include"), chapter("DELETE", grants="DELETE"), chapter(mode="include"), chapter(),
    ],
    "an answer not to be read": [unread(chapter()), chapter()],
    "an answer not to be read, after one that was": [chapter(), unread(chapter()), chapter()],
    "a simple answer not to be read": [chapter(), unread(chapter("GET")), chapter()],
    "a preflight refused": [chapter(), refused(chapter("DELETE")), chapter()],
    "other addresses": [chapter(), chapter(path="/x"), chapter(path="?q"), chapter(), chapter(path="#x")],
    "uploads": [chapter("POST", **UPLOAD), chapter("POST", **UPLOAD), chapter("POST", ["x-a"], body="x")],
    "uploads without a list of methods": [chapter("POST", grants="", **UPLOAD)] * 2,
    "uploads, listed": [chapter("POST", grants="POST", **UPLOAD), chapter("POST", **UPLOAD)],
    "an upload after another method": [chapter(), chapter("POST", **UPLOAD)],
    "case of names": [chapter(names=["X-A"], allows="X-a"), chapter(names=["x-A"])],
    "case of methods": [chapter(grants="PUT,patch"), chapter("PATCH"), chapter("patch")],
    "a permission taken back": [
        chapter(grants="PUT,DELETE"), chapter("PATCH", grants="PATCH,PUT", age="0"), chapter(), chapter("DELETE"),
    ],
}  # fmt: skip


# --- redirects: what the browser does after a 3xx (Fetch §4.4), which the model leaves out ----------------


def redirected(method, headers, where, status, first, asked, told):
    """Return a case that is answered by a redirect to *where*, and what is said there."""
    here = case(method, headers, asked=[(METHODS, "PUT"), (HEADERS, "x-a,authorization")])
    there = Case(here.call, Answer(204, tuple(asked)), Answer(200, tuple(told)))
    return Redirect(here.call, here.preflight, Answer(status, (*first, ("Location", where))), there)


class Redirect(Case):
    """A case whose answer leads to another."""

    def __init__(self, call, preflight, actual, there):
        super().__init__(call, preflight, actual)
        object.__setattr__(self, "there", there)

    def server(self, real):
        here, there = super().server(real), self.there.server(real)
        return lambda method, headers, path: (there if path.endswith("/b") else here)(method, headers)


ME, NOBODY, ANYBODY = [(ORIGIN, PAGE)], [(ORIGIN, "null")], [(ORIGIN, "*")]
PUT, FULL = [(METHODS, "PUT"), (HEADERS, "x-a,authorization")], [("X-A", "1"), ("Authorization", "z")]
BOTH = "authorization,x-a"
REDIRECTS = {  # what is asked and answered; whether it is shared; what arrives at the second address
    "at home": (("GET", (), "/here/b", 302, ME, [], ME), True, [("GET", PAGE, None)]),
    "the check runs on the redirect itself": (("GET", (), "/here/b", 302, [], [], ME), False, []),
    "abroad the origin is null": (("GET", (), f"{OTHER}/here/b", 302, ME, [], ME), False, [("GET", "null", None)]),
    "abroad null gets in": (("GET", (), f"{OTHER}/here/b", 302, ME, [], NOBODY), True, [("GET", "null", None)]),
    "abroad anybody gets in": (("GET", (), f"{OTHER}/here/b", 302, ME, [], ANYBODY), True, [("GET", "null", None)]),
    "back home it is null, too": (("GET", (), f"{PAGE}/here/b", 302, ME, [], ME), False, [("GET", "null", None)]),
    "a user name in the address": (("GET", (), "//u:p@127.0.0.1:1/here/b", 302, ME, [], ME), False, []),
    "it is asked again": (
        ("PUT", FULL, "/here/b", 307, ME, [*ME, *PUT], ME), True, [("OPTIONS", PAGE, BOTH), ("PUT", PAGE, None)],
    ),
    "it is asked again, and refused": (("PUT", FULL, "/here/b", 307, ME, [], ME), False, [("OPTIONS", PAGE, BOTH)]),
    "abroad Authorization is dropped": (
        ("PUT", FULL, f"{OTHER}/here/b", 307, ME, [*NOBODY, *PUT], NOBODY), True,
        [("OPTIONS", "null", "x-a"), ("PUT", "null", None)],
    ),
    "see other is a GET": (
        ("PUT", FULL, "/here/b", 303, ME, [*ME, *PUT], ME), True, [("OPTIONS", PAGE, BOTH), ("GET", PAGE, None)],
    ),
}  # fmt: skip
