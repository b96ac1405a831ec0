"""PKCE, which Weibo does not have: ignored, advertised and never checked, or required."""

import pytest

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
METADATA = "/.well-known/oauth-authorization-server"
PKCE = {
    "ignored, right verifier": (None, CHALLENGE, VERIFIER, 200),
    "ignored, wrong verifier": (None, CHALLENGE, "wrong", 200),
    "advertised, wrong verifier": ("pkce-advertised", CHALLENGE, "wrong", 200),
    "advertised, no verifier": ("pkce-advertised", CHALLENGE, None, 200),
    "advertised, no challenge": ("pkce-advertised", {}, None, 200),
    "required, right verifier": ("pkce-required", CHALLENGE, VERIFIER, 200),
    "required, wrong verifier": ("pkce-required", CHALLENGE, "wrong", 400),
    "required, no verifier": ("pkce-required", CHALLENGE, None, 400),
}


@pytest.mark.parametrize(("mode", "challenge", "verifier", "status"), PKCE.values(), ids=PKCE)
def test_pkce_is(service, mode, challenge, verifier, status):
    service.weibo.faults.put([{"fault": mode}] if mode else [])
    assert service.exchange(service.code(**challenge), code_verifier=verifier).status_code == status


def test_only_pkce_brings_a_metadata_document_about(service, read):
    assert service.client().get(METADATA).status_code == 404
    for mode in ("pkce-required", "pkce-advertised"):
        service.weibo.faults.put([{"fault": mode}])
        assert read(service.client().get(METADATA)) == {
            "issuer": "http://localhost",
            "authorization_endpoint": "http://localhost/oauth2/authorize",
            "token_endpoint": "http://localhost/oauth2/access_token",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
        }
