"""What the page's inspector and labs talk to, put together: an application for each first segment of a path.

    /traces, /sources   inspector.py
    /labs               labs.py
    /oauth2             the look-alike of Weibo, whose log-in pages leave records too

This file knows what there is; it does not know what anything does.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.inspector import Inspector, for_the_page
from sandbox.lab_cors import CorsLab
from sandbox.lab_oauth import OAuthLab
from sandbox.lab_queue import QueueLab
from sandbox.lab_token import TokenLab
from sandbox.labs import Labs
from sandbox.traces import Recording, recorder_of
from sandbox.weibo import Weibo

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["make_rooms"]


def make_rooms(
    redis_url: str, page_origin: str, world: str, at_end: Callable[[Callable[[], None]], Any] = lambda _: None
) -> "Callable[[Weibo], Mapping[str, WSGIApplication]]":
    """Return what makes the rooms around a look-alike: none without a Redis and a page.

    world   our own address
    at_end  is given what has to be called when the sandbox ends: the queue lab's workers are processes
    """
    if not redis_url or not page_origin:
        return lambda _: {}

    def make(weibo: Weibo) -> "Mapping[str, WSGIApplication]":
        recorder = recorder_of(redis_url, "weibo", shown=True)
        inspector = for_the_page(Inspector(recorder.stream), page_origin)
        cors = CorsLab(world)
        queue = QueueLab(redis_url)
        at_end(queue.close)
        lab = {"token": TokenLab(), "cors": cors, "queue": queue, "oauth": OAuthLab()}
        labs = for_the_page(Labs(lab), page_origin)

        def labs_and_trials(environ: Any, start_response: Any) -> Any:
            # What is tried is under the policy that is tried, and under no other.
            app = cors.try_ if environ["PATH_INFO"].startswith("/labs/cors/try/") else labs
            return app(environ, start_response)

        return {
            "traces": inspector,
            "sources": inspector,
            "labs": labs_and_trials,
            "oauth2": Recording(weibo, recorder, "weibo", only=_is_a_person),
        }

    return make


def _is_a_person(environ: dict[str, Any]) -> bool:
    """Whether a browser is on its way through the log-in; the API's own calls are told by the API."""
    return bool(environ["PATH_INFO"].startswith("/oauth2/authorize"))
