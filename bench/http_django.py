"""The small API of bench/http_apps.py with Django REST framework: URLs and views in a module, as Django wants them.

Its serializers, used as their documentation does, check less than the others: a member that nobody knows is dropped,
and a number is taken for a text.
"""

from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.http_apps import ADDRESS, OTHERS

__all__ = ["urlpatterns"]


class Body(serializers.Serializer):
    """An address."""

    receiver = serializers.CharField(max_length=50)
    phone = serializers.CharField(max_length=32)
    detail = serializers.CharField(max_length=200)
    region = serializers.CharField(max_length=100)


class Address(APIView):
    """One address."""

    def get(self, request: Request, username: str, id: int) -> Any:  # noqa: A002, ARG002
        """Show it."""
        return Response({**ADDRESS, "id": id})


class Addresses(APIView):
    """All addresses."""

    def post(self, request: Request, username: str = "") -> Any:  # noqa: ARG002
        """Add one."""
        body = Body(data=request.data)
        if not body.is_valid():
            return Response(body.errors, 422)
        return Response({"id": 8, **body.validated_data}, 201)


urlpatterns = [
    *(path(other[1:], Addresses.as_view()) for other in OTHERS),
    *(path(f"{other[1:]}/<str:username>", Addresses.as_view()) for other in OTHERS),
    path("v1/users/<str:username>/addresses", Addresses.as_view()),
    path("v1/users/<str:username>/addresses/<int:id>", Address.as_view()),
]
