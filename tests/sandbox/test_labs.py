"""The labs' front door: which lab is meant, and what is no question."""

import pytest
from werkzeug.test import Client

from sandbox.labs import MAX_BODY, BadQuestion, Labs, NoSuchThing, flag, text


class Echo:
    """A lab that returns what it was asked."""

    def answer(self, method, path, body, origin):
        if path == ("nothing",):
            raise NoSuchThing
        return {"method": method, "path": list(path), "body": dict(body), "origin": origin}


@pytest.fixture
def client():
    return Client(Labs({"echo": Echo()}))


def test_a_lab_gets_method_path_body_and_origin(client):
    told = client.post("/labs/echo/a/b", json={"x": 1}, headers={"Origin": "http://127.0.0.1:7000"}).json
    assert told == {"method": "POST", "path": ["a", "b"], "body": {"x": 1}, "origin": "http://127.0.0.1:7000"}


@pytest.mark.parametrize("path", ["/labs", "/labs/", "/labs/other", "/labs/echo/nothing"])
def test_what_there_is_not_is_404(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"a":1,"a":2}', b"x" * (MAX_BODY + 1)],
    ids=["broken", "list", "text", "twice", "long"],
)  # fmt: skip
def test_a_body_that_is_no_question_is_400_with_a_sentence(client, body):
    answer = client.post("/labs/echo", data=body)
    assert answer.status_code == 400
    assert answer.json["error"]


def test_no_body_is_an_empty_question(client):
    assert client.post("/labs/echo").json["body"] == {}


@pytest.mark.parametrize("value", [1, None, [], "x" * 21])
def test_a_text_is_a_text(value):
    with pytest.raises(BadQuestion):
        text({"a": value}, "a", 20)


def test_what_is_not_given_is_empty():
    assert text({}, "a") == ""
    assert flag({}, "a") is False
    with pytest.raises(BadQuestion):
        flag({"a": 1}, "a")
