"""Settings: read once, proved whole."""

import json

import pytest

from dada import base64url
from dada.errors import Misuse
from shop.settings import Settings

GOOD = {
    "DATABASE_URL": "mysql+pymysql://dada:swordfish@127.0.0.1/dada",
    "REDIS_URL": "redis://:swordfish@127.0.0.1:6379/0",
    "SMTP_URL": "smtp://127.0.0.1:25",
    "WEIBO_CLIENT_ID": "1000000721",
}


@pytest.fixture
def environ(tmp_path):
    for name, text in {
        "keys.json": json.dumps({"sandbox": False, "keys": []}),
        "lasting_secret": base64url.encode(b"swordfish" * 4),
        "weibo_client_secret": "swordfish\n",
    }.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    return {**GOOD, "SECRETS_DIR": str(tmp_path)}


def codes(environ):
    with pytest.raises(Misuse) as caught:
        Settings.read(environ)
    assert "swordfish" not in str(caught.value)
    return {(problem.code, problem.field) for problem in caught.value.problems}


def test_what_is_set_is_read_and_the_rest_has_defaults(environ):
    read = Settings.read(environ)
    assert (read.env, read.sandbox, read.weibo_client_secret) == ("production", False, "swordfish")
    assert (read.api_url, read.page_origin) == ("http://127.0.0.1:8000", "http://127.0.0.1:7000")
    assert "swordfish" not in repr(read)
    assert read.keys_file.name == "keys.json"
    assert (read.worker_processes, read.worker_threads, read.worker_stop_seconds) == (1, 1, 25)


def test_everything_that_is_missing_is_told_at_once():
    assert codes({}) == {
        ("setting-missing", name)
        for name in ("DATABASE_URL", "REDIS_URL", "SECRETS_DIR", "SMTP_URL", "WEIBO_CLIENT_ID")
    }


def test_an_empty_setting_is_a_missing_one(environ):
    assert codes(environ | {"REDIS_URL": ""}) == {("setting-missing", "REDIS_URL")}


ADDRESS_LIMITS = {
    "production": ({}, True),
    "the sandbox": ({"DADA_ENV": "sandbox"}, False),
    "the sandbox that wants them": ({"DADA_ENV": "sandbox", "ADDRESS_LIMITS": "on"}, True),
    "production that has them elsewhere": ({"ADDRESS_LIMITS": "off"}, False),
}


@pytest.mark.parametrize(("told", "counted"), ADDRESS_LIMITS.values(), ids=ADDRESS_LIMITS)
def test_addresses_are_counted_in_production(environ, told, counted):
    assert Settings.read(environ | told).address_limits is counted


FOR_LESSONS = {
    "production": ({}, False),
    "the sandbox": ({"DADA_ENV": "sandbox"}, True),
    "the sandbox without it": ({"DADA_ENV": "sandbox", "OAUTH_RETURN_BY_GET": "off"}, False),
    "production that asks for it": ({"OAUTH_RETURN_BY_GET": "on"}, True),
}


@pytest.mark.parametrize(("told", "taken"), FOR_LESSONS.values(), ids=FOR_LESSONS)
def test_a_return_by_get_is_taken_in_the_sandbox(environ, told, taken):
    assert Settings.read(environ | told).oauth_return_by_get is taken


HASHES = {
    "as many as there are cores, shared by two processes": (8, {}, 4),
    "one process": (8, {"API_WORKERS": "1"}, 8),
    "more processes than cores": (2, {"API_WORKERS": "4"}, 1),
    "a number": (2, {"HASHES_AT_ONCE": "6"}, 3),
    "a number that leaves a rest": (2, {"HASHES_AT_ONCE": "7", "API_WORKERS": "3"}, 2),
}


@pytest.mark.parametrize(("cores", "told", "each"), HASHES.values(), ids=HASHES)
def test_the_processes_share_what_hashes_the_machine_bears(environ, monkeypatch, cores, told, each):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert Settings.read(environ | told).hashes_at_once == each


def test_fewer_hashes_than_processes_are_refused(environ):
    assert codes(environ | {"API_WORKERS": "4", "HASHES_AT_ONCE": "3"}) == {("setting-wrong", "HASHES_AT_ONCE")}


def test_trusted_proxies_are_networks(environ):
    read = Settings.read(environ | {"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,2001:db8::/32"})
    assert [str(network) for network in read.trusted_proxies] == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]
    assert Settings.read(environ).trusted_proxies == ()


WRONG = {
    "limits that are neither": {"ADDRESS_LIMITS": "yes"},
    "a proxy that is no network": {"TRUSTED_PROXIES": "10.0.0.0/8, 10.0.0.0/33"},
    "a database of another kind": {"DATABASE_URL": "postgresql://swordfish@127.0.0.1/dada"},
    "a database without a host": {"DATABASE_URL": "mysql+pymysql:///dada"},
    "a port that is no number": {"REDIS_URL": "redis://127.0.0.1:x"},
    "Sentinels without a name": {"REDIS_URL": "redis+sentinel://127.0.0.1:26379"},
    "a port beyond all": {"SMTP_URL": "smtp://127.0.0.1:99999"},
    "another protocol": {"SMTP_URL": "http://127.0.0.1"},
    "a page with a path": {"PAGE_ORIGIN": "http://127.0.0.1:7000/"},
    "an API in capitals": {"API_URL": "HTTP://127.0.0.1:8000"},
    "a folder that is not there": {"SECRETS_DIR": "/nowhere/at/all"},
    "an AppKey that is none": {"WEIBO_CLIENT_ID": "a b"},
    "a sender that is none": {"MAIL_FROM": "shop"},
    "a sender with a line end": {"MAIL_FROM": "shop@example.org\nBcc: x@example.org"},
    "no processes": {"WORKER_PROCESSES": "0"},
    "no processes of the API": {"API_WORKERS": "0"},
    "no hashes": {"HASHES_AT_ONCE": "0"},
    "hashes that are no number": {"HASHES_AT_ONCE": "many"},
    "a return that is neither": {"OAUTH_RETURN_BY_GET": "yes"},
    "threads that are no number": {"WORKER_THREADS": "many"},
    "digits of another script": {"WORKER_THREADS": "٣"},
    "a stop that takes all day": {"WORKER_STOP_SECONDS": "86400"},
    "another kind of environment": {"DADA_ENV": "staging"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_name(environ, wrong):
    assert codes(environ | wrong) == {("setting-wrong", name) for name in wrong}


def test_everything_that_is_wrong_is_told_at_once(environ):
    wrong = {"API_URL": "x", "REDIS_URL": "x", "DADA_ENV": "x"}
    assert codes(environ | wrong) == {("setting-wrong", name) for name in wrong}


def test_in_production_nothing_travels_in_the_clear_but_on_this_machine(environ):
    insecure = {
        "API_URL": "http://api.shop.example",
        "PAGE_ORIGIN": "http://shop.example",
        "WEIBO_URL": "http://a.example",
    }
    assert codes(environ | insecure) == {("setting-insecure", name) for name in insecure}
    assert Settings.read(environ | {"API_URL": "https://api.shop.example"}).api_url == "https://api.shop.example"


class TestSecrets:
    @pytest.mark.parametrize("name", ["keys.json", "weibo_client_secret"])
    def test_a_secret_that_is_missing_stops_the_process(self, environ, tmp_path, name):
        (tmp_path / name).unlink()
        assert codes(environ) == {("secret-missing", str(tmp_path / name))}

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_a_secret_that_others_may_read_stops_the_process(self, environ, tmp_path, mode):
        (tmp_path / "keys.json").chmod(mode)
        assert codes(environ) == {("secret-open", str(tmp_path / "keys.json"))}

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
    def test_secrets_of_other_providers_that_others_may_read_stop_the_process(self, environ, tmp_path, mode):
        (tmp_path / "providers.json").write_text("[]")
        (tmp_path / "providers.json").chmod(mode)
        assert codes(environ) == {("secret-open", str(tmp_path / "providers.json"))}
        (tmp_path / "providers.json").chmod(0o600)
        assert Settings.read(environ).providers == ()

    def test_an_empty_secret_stops_the_process(self, environ, tmp_path):
        (tmp_path / "weibo_client_secret").write_text("\n")
        assert codes(environ) == {("secret-empty", "weibo_client_secret")}

    @pytest.mark.parametrize("which", ["keys.json", "weibo_client_secret"])
    def test_outside_the_sandbox_no_process_starts_on_the_sandbox_s_secrets(self, environ, tmp_path, which):
        text = json.dumps({"sandbox": True, "keys": []}) if which == "keys.json" else "sandbox-swordfish"
        (tmp_path / which).write_text(text)
        assert codes(environ) == {("secret-sandbox", str(tmp_path))}
        assert Settings.read(environ | {"DADA_ENV": "sandbox"}).sandbox

    @pytest.mark.parametrize("text", ["", "[]", "{", "null"])
    def test_a_key_file_that_is_none_is_not_taken_for_the_sandbox_s(self, environ, tmp_path, text):
        (tmp_path / "keys.json").write_text(text)
        assert Settings.read(environ)  # the key ring says what is wrong with it
