"""Addresses of this room. Nouns in addresses, verbs in names: view and action share a name."""

from django.urls import include, path

from pledges.views import (
    amounts,
    changing,
    corrections,
    creating,
    pay_links,
    pledge,
    results,
    signature,
)

# /pledges/<uuid>/
of_a_pledge = [
    path("", pledge.pledge, name="pledge"),
    path("pulse/", pledge.pulse, name="pledge_pulse"),
    path("changes/", changing.update_pledge, name="update_pledge"),
    path("status/", changing.take_status_action, name="take_status_action"),
    path("signature/", signature.signature, name="signature"),
    path("undo/", pledge.undo_change, name="undo_change"),
]

urlpatterns = [
    path("paylinks/", pay_links.pay_links, name="pay_links"),
    path("paylinks/<uuid:uuid>/", pay_links.pay_link, name="pay_link"),
    path("payment-rules/<int:pk>/amounts/", amounts.agree_amounts, name="agree_amounts"),
    path("pledges/<uuid:uuid>/", include(of_a_pledge)),
    path("persons/<uuid:uuid>/pledges/", creating.create_pledge, name="create_pledge"),
    path("corrections/", corrections.corrections, name="corrections"),
    path("corrections/export/", corrections.export_corrections, name="export_corrections"),
    path("corrections/processed/", corrections.process_corrections, name="process_corrections"),
    path("batches/results/", results.import_results, name="import_results"),
    path("batches/results/<uuid:uuid>/", results.result_file, name="result_file"),
]
