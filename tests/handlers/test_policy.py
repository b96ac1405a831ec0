"""The CORS policy."""

import pytest

from dada.cors_policy import Request
from handlers.documents import operations
from handlers.policy import make_policy
from tests.conftest import PAGE
from tests.handlers.description import document, led

POLICY = make_policy(PAGE)


@pytest.mark.parametrize("one", operations(), ids=lambda one: f"{one.method} {one.path}")
def test_the_page_may_send_whatever_an_operation_takes_and_no_other_page_may(one):
    names = sorted({header.name.lower() for header in one.operation.headers} | {"authorization", "content-type"})
    for origin, allowed in ((PAGE, True), ("https://evil.example", False)):
        asked = Request("OPTIONS", origin, one.method, ",".join(names))
        assert POLICY.decide(asked).allowed == allowed


def test_the_page_may_read_every_header_that_an_answer_is_said_to_carry():
    exposed = dict(POLICY.decide(Request("GET", PAGE)).headers)["Access-Control-Expose-Headers"].lower().split(",")
    readable = {name.strip() for name in exposed} | {"content-language"}
    told = {
        name.lower()
        for members in document()["paths"].values()
        for method in members.keys() - {"parameters"}
        for answer in map(led, members[method]["responses"].values())
        for name in answer["headers"]
    }
    assert told - readable == {"accept", "accept-encoding", "accept-post", "accept-patch"}  # for people with a terminal
