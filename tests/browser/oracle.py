"""The machinery of the oracle: a real Chromium and the model in `dada/fetch.py` are asked the same questions.

How to read this file: a `Case` is a page's call and what a server says to it, a `Service` a page's call and the
policy of a real service; `predict` asks the model, and a `Lab` asks the browser, what goes over the wire and what
the page gets: a `Seen` either way.  `compare` returns where the two disagree, each case made as small as it can be.

PAGE, SHOP and OTHER stand for the origins of three servers on the loopback device, on ports that are free then.
"""

import asyncio
import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from playwright.async_api import async_playwright

from dada.cors import Middleware, Policy
from dada.fetch import CHROMIUM, Answer, FetchCall, play, simulate
from dada.fetch_checks import combined, get
from dada.headers import is_forbidden_request_header

PAGE, SHOP, OTHER = "http://page.example", "http://shop.example", "http://other.example"
BODY = "body"
BATCH = 100  # calls that the page makes at once
FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


def chromium():
    """Return the path of the browser."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("The oracle asks Chromium, and found none.  On Debian: apt-get install chromium")


# --- what is asked ---------------------------------------------------------------------------------------


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


# --- what is seen ----------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """What can be seen of one call, at the server and in the page."""

    preflight: tuple[str | None, str | None] | None  # its Access-Control-Request-Method and -Headers
    actual: str | None  # the method of the request itself
    carried: frozenset[tuple[str, str]]  # the page's own headers on it
    shared: bool
    readable: frozenset[str]


_REWRITTEN = {
    "user-agent", "accept-encoding", "connection", "host", "referer", "origin", "content-length",
    "range",  # Chromium writes its numbers anew
}  # fmt: skip


def _of_the_page(call, sent):
    """Return which of the headers that were sent are the page's own, and not the browser's."""
    asked = dict(_as_they_travel([(name, value.strip()) for name, value in call.headers]))
    return frozenset(
        (name, value)
        for name, value in _as_they_travel(sent)
        if name in asked
        and (value == asked[name] or not is_forbidden_request_header(name))
        and name not in _REWRITTEN
        and not (name == "content-type" and call.upload_listener)  # XMLHttpRequest writes its charset
    )


def _as_they_travel(headers):
    return [(name, value.strip(" \t")) for name, value in combined(headers)]


def predict(case, quirks=CHROMIUM, cache=None):
    """Return what the model says will be seen."""
    dialogue = case.play(quirks, cache)
    preflight, actual = dialogue.preflight, dialogue.actual
    asks = ("access-control-request-method", "access-control-request-headers")
    return Seen(
        preflight and tuple(get(preflight.request_headers, name) for name in asks),
        actual and actual.method,
        _of_the_page(case.call, actual.request_headers if actual else ()),
        dialogue.outcome == "shared",
        dialogue.readable_headers,
    )


# --- the browser -----------------------------------------------------------------------------------------

CALLS = """
async (calls) => {
  const byFetch = async ({url, body, ...rest}) => {
    try {
      const answer = await fetch(url, {...rest, ...(body === null ? {} : {body}), signal: AbortSignal.timeout(60000)});
      await answer.text();
      return {shared: true, readable: [...answer.headers.keys()]};
    } catch (error) {
      if (error.name === "TimeoutError") throw error;
      return {shared: false, readable: []};
    }
  };
  const byXMLHttpRequest = ({url, method, headers, body, credentials}) => new Promise((resolve) => {
    const blocked = () => resolve({shared: false, readable: []});
    try {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of headers) request.setRequestHeader(name, value);
      request.withCredentials = credentials === "include";
      request.upload.onprogress = () => {};
      request.onerror = blocked;
      request.onload = () => resolve({
        shared: true,
        readable: request.getAllResponseHeaders().split("\\r\\n").filter(Boolean).map((line) => line.split(":")[0]),
      });
      request.send(body);
    } catch (error) {
      blocked();
    }
  });
  return Promise.all(calls.map(({listens, ...call}) => (listens ? byXMLHttpRequest(call) : byFetch(call))));
}
"""
DOCUMENT = "<!doctype html><iframe sandbox=allow-scripts srcdoc='<!doctype html>'></iframe>"


class Lab:
    """Three servers and a browser, on a thread and an event loop of their own."""

    def __enter__(self):
        self.log = defaultdict(list)  # number of a case → (method, headers, path) of each request that arrived
        self._serves = {}
        self._errors = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers, self._playwright, self._browser = [], None, None
        try:
            self._do(self._start())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _start(self):
        for _ in range(3):
            self._servers.append(await asyncio.start_server(self._serve, "127.0.0.1", 0))
        ports = [server.sockets[0].getsockname()[1] for server in self._servers]
        self._real = {name: f"http://127.0.0.1:{port}" for name, port in zip((PAGE, SHOP, OTHER), ports, strict=True)}
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        self._page = await self._browser.new_page()
        await self._page.goto(self.real(PAGE) + "/")
        _, self._sandboxed = self._page.frames

    async def _end(self):
        if self._browser:
            await self._browser.close()
        if self._playwright:
            await self._playwright.stop()
        for server in self._servers:
            server.close()
            await server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def real(self, text, number=0):
        """Return *text* with the real origins in it, and the address of the case of that number for "/here"."""
        text = text.replace(f"{PAGE}:*", "http://127.0.0.1:*")
        for name, origin in self._real.items():
            text = text.replace(name, origin)
        return text.replace("/here", f"/case/{number}")

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head[:-4].split("\r\n")
                method, path, _ = first.split(" ")
                headers = [(name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines)]
                await reader.readexactly(int(get(headers, "content-length") or 0))
                writer.write(self._answer(method, path, headers).encode("latin-1"))
        except asyncio.IncompleteReadError:
            pass  # the browser has hung up
        except Exception as error:  # noqa: BLE001 told by `observe`, on the thread of the test
            self._errors.append(error)
        finally:
            writer.close()

    def _answer(self, method, path, headers):
        number = int(re.match(r"/case/(\d+)|", path)[1] or 0)
        self.log[number].append((method, headers, path))
        if number in self._serves:
            status, said, _ = self._serves[number](method, headers, path)
            body = "" if method == "HEAD" or status in (204, 205, 304) else BODY
        elif path == "/":
            status, said, body = 200, [("Content-Type", "text/html"), ("Content-Length", str(len(DOCUMENT)))], DOCUMENT
        else:
            status, said, body = 404, [("Content-Length", "0")], ""
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in said)]
        return "\r\n".join([*lines, "", body])

    def observe(self, cases):
        """Return what is seen of each of the cases, many at once, each at an address of its own."""
        first = len(self._serves) + 1
        numbered = list(enumerate(cases, first))
        for number, case in numbered:
            self._serves[number] = case.server(lambda text, number=number: self.real(text, number))
        seen = {}
        for where, sandboxed in ((self._page, False), (self._sandboxed, True)):
            there = [(number, case.call) for number, case in numbered if (case.call.origin == "null") == sandboxed]
            for at in range(0, len(there), BATCH):
                batch = there[at : at + BATCH]
                answers = self._do(where.evaluate(CALLS, [self._call(number, call) for number, call in batch]))
                for (number, call), answer in zip(batch, answers, strict=True):
                    seen[number] = self._seen(number, call, answer)
        self._complain()
        return [seen[number] for number, _ in numbered]

    def tell(self, story):
        """Return what is seen of each case of a story: one after the other, all at one address."""
        number = len(self._serves) + 1
        seen = []
        for case in story:
            self._serves[number] = case.server(self.real)
            self.log.pop(number, None)
            (answer,) = self._do(self._page.evaluate(CALLS, [self._call(number, case.call)]))
            seen.append(self._seen(number, case.call, answer))
        self._complain()
        return seen

    def requests(self, case):
        """Observe one case; return each request of it that arrived: method, path below the case, headers."""
        self.observe([case])
        number = len(self._serves)
        return [(method, path.removeprefix(f"/case/{number}"), headers) for method, headers, path in self.log[number]]

    def _complain(self):
        if self._errors:
            raise self._errors.pop()

    def _call(self, number, call):
        origin = PAGE if call.url.startswith(PAGE) else SHOP
        return {
            "url": self.real(f"{origin}/here{call.url.removeprefix(origin)}", number),
            "method": call.method,
            "headers": [list(header) for header in call.headers],
            "credentials": call.credentials,
            "body": call.body,
            "listens": call.upload_listener,
        }

    def _seen(self, number, call, answer):
        preflight, actual, carried = None, None, []
        for method, headers, _ in self.log[number]:
            asks = [get(headers, f"access-control-request-{part}") for part in ("method", "headers")]
            if method == "OPTIONS" and asks[0] is not None:
                preflight = tuple(asks)
            else:
                actual, carried = method, headers
        readable = frozenset(answer["readable"])
        return Seen(preflight, actual, _of_the_page(call, carried), answer["shared"], readable)


# --- where they disagree ---------------------------------------------------------------------------------


def compare(lab, cases: Iterable[Case | Service], quirks=CHROMIUM, most=3):
    """Return the cases on which browser and model disagree, as texts, the first few made as small as they can be."""
    cases = list(cases)
    apart = [case for case, seen in zip(cases, lab.observe(cases), strict=True) if seen != predict(case, quirks)]
    return [tell_apart(lab, shrink(lab, case, quirks), quirks) for case in apart[:most]] + list(map(str, apart[most:]))


def shrink(lab, case, quirks=CHROMIUM):
    """Return the simplest case to be had from *case* on which browser and model still disagree."""
    while True:
        simpler = list(case.simpler())
        for candidate, seen in zip(simpler, lab.observe(simpler), strict=True):
            if seen != predict(candidate, quirks):
                case = candidate
                break
        else:
            return case


def tell_apart(lab, case, quirks=CHROMIUM):
    """Return what browser and model say of *case*, as a text."""
    (seen,) = lab.observe([case])
    return f"{case}\n  browser: {seen}\n  model:   {predict(case, quirks)}\n"
