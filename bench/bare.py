"""The product's addresses and one more: the yardstick of `bench.pages`, a page of a session, a user
and one template."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from config import urls

_PAGE = engines["django"].from_string("<!doctype html><title>Bare</title><p>{{ request.user }}</p>")


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_PAGE.render({}, request))


urlpatterns = [*urls.urlpatterns, path("bare/", bare)]
handler404 = getattr(urls, "handler404", None)
