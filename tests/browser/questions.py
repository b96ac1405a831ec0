"""What the oracle is asked: a `Case` is a page's call and what a server says to it, a `Service` a call under a policy.

Either is played by the model, or gives the server that a real browser talks to, and can be made simpler.

PAGE, SHOP and OTHER stand for the origins of three servers on the loopback device, on ports that are free then.
"""

from dataclasses import dataclass, replace
from typing import Any

from dada.cors import Middleware, Policy
from dada.fetch import Answer, FetchCall, play, simulate
from dada.fetch_checks import combined, get

PAGE, SHOP, OTHER = "http://page.example", "http://shop.example", "http://other.example"
BODY = "body"


def whole(answer):
    """Return an answer as it goes over the wire: with its length, where it has one."""
    if answer.status in (204, 304):
        return answer
    length = 0 if answer.status == 205 else len(BODY)
    return answer._replace(headers=(*answer.headers, ("Content-Length", str(length))))


@dataclass(frozen=True)
class Case:
    """A page's call, and what the server says to the preflight and to the request itself."""

    call: FetchCall
    preflight: Answer
    actual: Answer

    def play(self, quirks, cache=None):
        return play(self.call, self.server(lambda text: text), quirks=quirks, cache=cache)

    def server(self, real):
        """Return the server that says so; *real* puts the real origins into a text."""

        def serve(method, headers, path=""):
            asks = method == "OPTIONS" and get(headers, "access-control-request-method") is not None
            answer = whole(self.preflight if asks else self.actual)
            return answer._replace(headers=[(name, real(value)) for name, value in answer.headers])

        return serve

    def simpler(self):
        """Return cases that are simpler than this one by one thing each."""
        for name, value in (("body", None), ("upload_listener", False), ("credentials", "omit"), ("method", "GET")):
            if getattr(self.call, name) != value:
                yield replace(self, call=replace(self.call, **{name: value}))
        for headers in _shorter(self.call.headers):
            yield replace(self, call=replace(self.call, headers=headers))
        for field, status in (("preflight", 204), ("actual", 200)):
            answer = getattr(self, field)
            if answer.status != status:
                yield replace(self, **{field: answer._replace(status=status)})
            for headers in _shorter(answer.headers):
                yield replace(self, **{field: answer._replace(headers=headers)})

    def __str__(self):
        call = self.call
        how = f"{call.credentials}{', an upload listener' if call.upload_listener else ''}"
        lines = [f"{call.method} {call.url} from {call.origin} ({how}), body {call.body!r}"]
        lines += [f"    {name}: {value!r}" for name, value in call.headers]
        for title, answer in (("preflight", self.preflight), ("request", self.actual)):
            lines.append(f"  {title} answered {answer.status}")
            lines += [f"    {name}: {value!r}" for name, value in answer.headers]
        return "\n".join(lines)


def _shorter(headers):
    """Return lists of headers that are simpler: one left out, or one value cut in two."""
    for at, (name, value) in enumerate(headers):
        yield (*headers[:at], *headers[at + 1 :])
        for part in (value[: len(value) // 2], value[len(value) // 2 :]):
            if len(part) < len(value):
                yield (*headers[:at], (name, part), *headers[at + 1 :])


@dataclass(frozen=True)
class Service:
    """A page's call to a real service under a policy; *answer* is the application's."""

    settings: dict[str, Any]
    call: FetchCall
    answer: Answer

    def play(self, quirks, cache=None):
        status, headers, _ = whole(self.answer)
        return simulate(Policy(**self.settings), self.call, status=status, answer=headers, quirks=quirks)

    def server(self, real):
        settings = self.settings | {"origins": [real(origin) for origin in self.settings["origins"]]}

        def application(environ, start_response):
            status, headers, _ = whole(self.answer)
            start_response(f"{status} Said", list(headers))
            return [BODY.encode()]

        middleware = Middleware(application, Policy(**settings))

        def serve(method, headers, path=""):
            environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
            environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in combined(headers)}
            started = []
            for part in middleware(environ, lambda *said: started.append(said)):
                assert part == BODY.encode()
            ((status, answered),) = started
            return Answer(int(status[:3]), answered)

        return serve

    def simpler(self):
        for name, value in self.settings.items():
            if isinstance(value, list) and name != "origins":
                yield from (
                    replace(self, settings=self.settings | {name: value[:at] + value[at + 1 :]})
                    for at in range(len(value))
                )
        for headers in _shorter(self.call.headers):
            yield replace(self, call=replace(self.call, headers=headers))

    def __str__(self):
        call = self.call
        return f"{self.settings}\n{call.method} {call.headers} ({call.credentials})\n  answered {self.answer[:2]}"
