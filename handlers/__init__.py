"""The web edge: the whole API on one screen.

Each line is a path, the resource behind it, and who may call it:

    anyone      no credentials are looked at
    signed-in   a good access token
    owner       a good access token of the user whose name stands in the path; to others it does not exist
"""

from dataclasses import replace
from typing import Final

from dada.router import Route
from handlers.activation import Activation, Resend
from handlers.addresses import Address, Addresses, DefaultAddress
from handlers.documents import OpenAPI, ProblemKind
from handlers.events import Events
from handlers.federation import Authorization, Bindings, Returning, ReturningByQuery
from handlers.health import Health, Readiness
from handlers.identities import Identities, Identity
from handlers.passwords import Password, PasswordReset, PasswordResets
from handlers.tokens import CurrentToken, OneToken, Refresh, Tokens
from handlers.users import User, Users

__all__ = ["ROUTES", "routes"]

ROUTES: Final = (
    Route("/v1/users", Users, {"POST": "anyone"}),
    Route("/v1/users/activation", Activation, {"GET": "anyone", "POST": "anyone"}),
    Route("/v1/users/<username>", User, {"GET": "owner", "PATCH": "owner"}),
    Route("/v1/users/<username>/activation", Resend, {"POST": "anyone"}),
    Route("/v1/users/<username>/password", Password, {"PUT": "owner"}),
    Route("/v1/password-resets", PasswordResets, {"POST": "anyone"}),
    Route("/v1/password-resets/<token>", PasswordReset, {"PUT": "anyone"}),
    Route("/v1/tokens", Tokens, {"POST": "anyone", "GET": "signed-in", "DELETE": "signed-in"}),
    Route("/v1/tokens/refresh", Refresh, {"POST": "anyone"}),
    Route("/v1/tokens/current", CurrentToken, {"DELETE": "anyone"}),
    Route("/v1/tokens/<session>", OneToken, {"DELETE": "signed-in"}),
    Route("/v1/users/<username>/addresses", Addresses, {"GET": "owner", "POST": "owner"}),
    Route("/v1/users/<username>/addresses/default", DefaultAddress, {"PUT": "owner"}),
    Route("/v1/users/<username>/addresses/<int:id>", Address, {"GET": "owner", "PUT": "owner", "DELETE": "owner"}),
    Route("/v1/users/<username>/events", Events, {"GET": "owner"}),
    Route("/v1/users/<username>/identities", Identities, {"GET": "owner"}),
    Route("/v1/users/<username>/identities/<provider>", Identity, {"DELETE": "owner"}),
    Route("/v1/users/weibo/authorization", Authorization, {"GET": "anyone"}),
    Route("/v1/users/weibo/users", ReturningByQuery, {"GET": "anyone", "POST": "anyone"}),
    Route("/v1/users/weibo/bindings", Bindings, {"POST": "anyone"}),
    Route("/v1/users/oauth/<provider>/authorization", Authorization, {"GET": "anyone"}, "AuthorizationAt"),
    Route("/v1/users/oauth/<provider>/users", ReturningByQuery, {"GET": "anyone", "POST": "anyone"}, "ReturningFrom"),
    Route("/v1/users/oauth/<provider>/bindings", Bindings, {"POST": "anyone"}, "BindingsOf"),
    Route("/openapi.json", OpenAPI, {"GET": "anyone"}),
    Route("/problems/<code>", ProblemKind, {"GET": "anyone"}),
    Route("/healthz", Health, {"GET": "anyone"}),
    Route("/readyz", Readiness, {"GET": "anyone"}),
)


def routes(*, oauth_return_by_get: bool) -> tuple[Route, ...]:
    """Return ROUTES; where the settings do not ask for it, without the return from a provider by GET."""
    if oauth_return_by_get:
        return ROUTES
    return tuple(
        replace(route, resource=Returning, who={"POST": "anyone"}) if route.resource is ReturningByQuery else route
        for route in ROUTES
    )
