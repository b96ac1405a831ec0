"""/healthz and /readyz."""


def test_a_process_that_lives_says_so(api, redis_server):
    assert api("GET", "/healthz").json == {"status": "ok"}


def test_readiness_is_told_part_by_part(api, redis_server):
    ready = api("GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "ok", "parts": {"database": "ok", "redis": "ok"}})
    redis_server.stop()
    try:
        down = api("GET", "/readyz")
        assert (down.status, down.json["parts"]["redis"], down.header("Retry-After")) == (503, "down", "1")
        assert api("GET", "/healthz").status == 200
    finally:
        redis_server.start()
