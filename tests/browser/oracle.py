"""The machinery of the oracle: a real Chromium and the model in `dada/fetch.py` are asked the same questions.

How to read this file: `predict` asks the model, and a `Lab` asks the browser, what goes over the wire and what the
page gets in a case (see `questions.py`): a `Seen` either way.  `compare` returns where the two disagree, each case
made as small as it can be.  A story is several cases at one address, for what a browser remembers.
"""

import asyncio
import re
import shutil
import threading
from collections import defaultdict
from typing import NamedTuple

from playwright.async_api import async_playwright

from dada.fetch import CHROMIUM, PreflightCache
from dada.fetch_checks import combined, get
from dada.headers import is_forbidden_request_header
from tests.browser.questions import BODY, OTHER, PAGE, SHOP
from tests.servers import PATIENCE

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


def foretell(story, quirks=CHROMIUM):
    """Return what the model says will be seen of a story."""
    cache = PreflightCache(quirks)
    return [predict(chapter, quirks, cache) for chapter in story]


# --- the browser -----------------------------------------------------------------------------------------

CALLS = """
async (calls) => {
  const byFetch = async ({url, body, ...rest}) => {
    try {
      const answer = await fetch(url, {...rest, ...(body === null ? {} : {body}), signal: AbortSignal.timeout(120000)});
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
        try:
            self._do(self._end())
        finally:
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
        self._page.set_default_timeout(PATIENCE * 1000)
        await self._page.goto(self.real(PAGE) + "/")
        _, self._sandboxed = self._page.frames

    async def _end(self):
        if self._browser:
            await self._browser.close()
        if self._playwright:
            await self._playwright.stop()
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

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
        except (asyncio.IncompleteReadError, ConnectionError):
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

    def tell(self, story, cache="default"):
        """Return what is seen of each case of a story: one after the other, all at one address.

        cache  the page's cache mode (Fetch §5.4)
        """
        number = len(self._serves) + 1
        seen = []
        for case in story:
            self._serves[number] = case.server(self.real)
            self.log.pop(number, None)
            (answer,) = self._do(self._page.evaluate(CALLS, [self._call(number, case.call) | {"cache": cache}]))
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


def compare(lab, cases, quirks=CHROMIUM, most=3):
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


def compare_stories(lab, stories, quirks=CHROMIUM):
    """Return the stories on which browser and model disagree, as texts, with no call too many."""
    return [
        "\n\n".join(
            f"{chapter}\n  browser: {seen}\n  model:   {foretold}"
            for chapter, seen, foretold in zip(story, lab.tell(story), foretell(story, quirks), strict=True)
        )
        for story in (_shortest(lab, story, quirks) for story in stories)
        if story
    ]


def _shortest(lab, story, quirks):
    """Return the shortest story to be had from *story* on which the two disagree, or [] if they agree."""
    if lab.tell(story) == foretell(story, quirks):
        return []
    for at in range(len(story)):
        if shorter := _shortest(lab, story[:at] + story[at + 1 :], quirks):
            return shorter
    return story


def tell_apart(lab, case, quirks=CHROMIUM):
    """Return what browser and model say of *case*, as a text."""
    (seen,) = lab.observe([case])
    return f"{case}\n  browser: {seen}\n  model:   {predict(case, quirks)}\n"
