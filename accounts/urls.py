"""Signing in and out. Of allauth only this is reachable: no sign-up, no password by mail."""

from allauth.account import views as allauth_views
from django.urls import include, path

from accounts import views

urlpatterns = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", allauth_views.password_change, name="account_change_password"),
    path("first-password/<uidb64>/<token>/", views.first_password, name="account_first_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("keys/", views.keys, name="account_keys"),
    path("language/", views.language, name="account_language"),
]
