"""Addresses of this room. Nouns in addresses, verbs in names: view and action share a name."""

from django.urls import URLPattern, include, path

from calls.views import (
    as_typed,
    batches,
    callbacks,
    checks,
    decisions,
    desk,
    exports,
    floor,
    floor_messages,
    hands,
    insight,
    new_batch,
    objections,
    payments,
    person,
    presence,
    recruiters,
    requests,
    search,
    start,
)

# /calls/<uuid>/
of_a_call = [
    path("", desk.desk, name="desk"),
    path("pulse/", desk.pulse, name="pulse"),
    path("hold/", desk.claim_call, name="claim_call"),
    path("lease/", desk.renew_lease, name="renew_lease"),
    path("dial/", desk.dial, name="dial"),
    path("answer/", desk.answer, name="answer"),
    path("wrap-up/", desk.wrap_up, name="wrap_up"),
    path("left-open/", start.settle_attempt, name="settle_attempt"),
    path("attempts/", desk.log_attempt, name="log_attempt"),
    path("completion/", desk.complete_call, name="complete_call"),
    path("preview/", as_typed.preview, name="preview"),
    path("undo/", desk.undo, name="undo"),
    path("notes/", as_typed.save_notes, name="save_notes"),
    path("release/", desk.release_call, name="release_call"),
    path("taking-away/", hands.take_away, name="take_away"),
    path("skip/", desk.skip_call, name="skip_call"),
    path("objection/", desk.add_objection, name="add_objection"),
    path("callback/", desk.create_callback, name="create_callback"),
    path("callback/cancellation/", desk.cancel_callback, name="cancel_callback"),
    path("story/", desk.story, name="story"),
    path("checks/", checks.check_details, name="check_details"),
    path("checks/rest/", checks.confirm_rest, name="confirm_rest"),
    path("checks/said/", checks.say_detail, name="say_detail"),
    path("checks/trust/", checks.trust_donor, name="trust_donor"),
    path("corrections/", checks.correct_detail, name="correct_detail"),
    path("corrections/look/", checks.look_at_correction, name="look_at_correction"),
    path("reveals/", checks.reveal_detail, name="reveal_detail"),
    path("payments/", payments.payments, name="payments"),
    path("paylinks/", payments.create_pay_link, name="create_pay_link"),
    path("messages/", payments.send_message, name="send_message"),
    path("messages/undo/", payments.undo_message, name="undo_message"),
    path("mandates/", payments.create_mandate, name="create_mandate"),
    path("cancellation/", requests.cancel_call, name="cancel_call"),
    path("expiry/", requests.expire_call, name="expire_call"),
]

# /persons/<uuid>/
of_a_person = [
    path("", person.person, name="person"),
    path("pulse/", person.pulse, name="person_pulse"),
    path("story/", person.story, name="person_story"),
    path("calls/", requests.create_call, name="create_call"),
    path("undo/", person.undo_new_call, name="undo_new_call"),
    path("objections/", objections.add_objection, name="add_objection_of_person"),
    path("objections/<int:number>/lifting/", objections.lift_objection, name="lift_objection"),
    path("proof.csv", objections.proof, name="proof"),
]

# /batches/<uuid>/; result files are in the room below
of_a_batch = [
    path("", batches.batch, name="batch"),
    path("pulse/", batches.batch_pulse, name="batch_pulse"),
    path("undo/", batches.undo_batch, name="undo_batch"),
]

# /exports/<uuid>/
of_an_export = [
    path("file/", exports.export_file, name="export_file"),
    path("removal/", exports.remove_export, name="remove_export"),
]

urlpatterns = [
    path("", start.start, name="start"),
    path("pulse/", start.pulse, name="start_pulse"),
    path("pause/", presence.take_pause, name="take_pause"),
    path("pause/end/", presence.end_pause, name="end_pause"),
    path("presence/", presence.presence, name="presence"),
    path("calls/", search.search, name="search"),
    path("calls/next/", start.claim_next, name="claim_next"),
    path("calls/<uuid:uuid>/", include(of_a_call)),
    path("persons/<uuid:uuid>/", include(of_a_person)),
    path("floor/", floor.floor, name="floor"),
    path("floor/pulse/", floor.floor_pulse, name="floor_pulse"),
    path("floor/health/", floor.floor_health, name="floor_health"),
    path("floor/decisions/", decisions.decisions, name="decisions"),
    path("floor/decisions/<uuid:uuid>/", decisions.decision, name="decision"),
    path("floor/decisions/<uuid:uuid>/pulse/", decisions.decision_pulse, name="decision_pulse"),
    path("floor/callbacks/", callbacks.callbacks, name="callbacks"),
    path("floor/callbacks/<int:pk>/", callbacks.hand_over, name="hand_over_callback"),
    path("floor/recruiters/", recruiters.recruiters, name="recruiters"),
    path("floor/recruiters/<uuid:uuid>/", recruiters.see_flag, name="see_flag"),
    path("floor/messages/", floor_messages.floor_messages, name="floor_messages"),
    path(
        "floor/messages/<int:pk>/withdrawal/",
        floor_messages.withdraw_floor_message,
        name="withdraw_floor_message",
    ),
    path(
        "floor-messages/<int:pk>/receipt/",
        floor_messages.put_away_floor_message,
        name="put_away_floor_message",
    ),
    path("insight/", insight.insight, name="insight"),
    path("insight/results/", insight.results, name="insight_results"),
    path("insight/dials/", insight.dials, name="insight_dials"),
    path("insight/amounts/", insight.amounts, name="insight_amounts"),
    path("insight/ratings/", insight.ratings, name="insight_ratings"),
    path("insight/paylinks/", insight.pay_links, name="insight_pay_links"),
    path("insight/agents/", insight.agents, name="insight_agents"),
    path("insight/gates/", insight.gates, name="insight_gates"),
    path("exports/", exports.exports, name="exports"),
    path("exports/pulse/", exports.pulse, name="exports_pulse"),
    path("exports/<uuid:uuid>/", include(of_an_export)),
    path("objections/", objections.objections, name="objections"),
    path("batches/", batches.batches, name="batches"),
    path("batches/new/", new_batch.new_batch, name="new_batch"),
    path("batches/<uuid:uuid>/", include(of_a_batch)),
]

# Every question of insight as a file too: the same view, and the address says which kind.
urlpatterns += [
    path(f"{one.pattern}{name}", one.callback, name=f"{one.name}_{kind}")
    for one in urlpatterns
    if isinstance(one, URLPattern) and one.name in insight.QUESTIONS
    for name, kind in insight.FILES.items()
]
