"""Addresses of this room. Nouns in addresses, verbs in names: view and action share a name."""

from django.urls import path

from integrations import views, webhooks

urlpatterns = [
    # The name of a service account may have anything in it.
    path("breakers/<path:key>/trial/", views.try_again_now, name="try_again_now"),
    path("webhooks/", views.webhooks, name="webhooks"),
    path("webhooks/<int:pk>/work/", views.work_again, name="work_again"),
    path("webhooks/alphacomm/", webhooks.alphacomm, name="alphacomm_webhook"),
]
