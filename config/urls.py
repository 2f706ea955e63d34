"""Every address. Rooms bring their own."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from calls.views import health


@login_not_required
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no sign-in of its own; to a person who may not enter it does not exist."""
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise Http404
    return redirect_to_login(request.GET.get("next", "/admin/"))


def nowhere(request: HttpRequest, path: str) -> HttpResponse:
    """The admin would look for a row's page on the site; rows have none."""
    raise Http404


urlpatterns = [
    path("", include("calls.urls")),
    path("", include("pledges.urls")),
    path("", include("integrations.urls")),
    path("health/", health.health, name="health"),
    path("health/live/", health.live, name="health_live"),
    path("health/ready/", health.ready, name="health_ready"),
    path("accounts/", include("accounts.urls")),
    # One place to sign in, to sign out and to change a password: with throttle and second factor.
    path("admin/login/", admin_sign_in),
    path("admin/logout/", RedirectView.as_view(pattern_name="account_logout")),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/password_change/done/", RedirectView.as_view(url="/admin/")),
    path("admin/r/<path:path>", nowhere),
    path("admin/", admin.site.urls),
]
