"""What managers set and whom they take in, looked at as test_looks.py looks. Nothing of an
organisation is saved: the stories of others are told by its rules."""

from datetime import date

from playwright.sync_api import Page, expect

from tests.browser.test_looks import NARROW, SMALLEST, WIDE, Eye, eye, sign_in

__all__ = ["eye"]  # the fixture

PEOPLE = """\
Gebruikersnaam;Naam;E-mail;Rol;Organisaties;Team
{name};Zoë van Voorbeeld;zoe@example.org;agent;Stichting Helder Water | De Leesbus;A
bob;Bob Voorbeeld;;;;A
alice;;;agent;;A
dora;Dora;;chef;;B
"""


def send(page: Page) -> None:
    with page.expect_navigation():
        page.click("input[type=submit].default")


def test_rules_are_looked_at_before_they_hold(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "mo")
    page.goto("/admin/pledges/organization/?q=Helder")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator(".rules").first).to_be_visible()
    eye.look("admin-organization")
    rules = str(page.locator(".rules-rows a").first.get_attribute("href"))

    page.locator(".rules-links a[href*='/callingrules/add/']").click()
    page.fill("[name=from_date]", date.today().isoformat())
    page.fill("[name=weekdays_open]", "09:00")
    page.fill("[name=weekdays_close]", "08:00")
    eye.look("admin-calling-rules-new")
    send(page)
    expect(page.locator(".errornote")).to_be_visible()
    eye.look("admin-calling-rules-refused")
    page.fill("[name=weekdays_close]", "20:00")
    page.fill("[name=gap_minutes]", "240")
    send(page)
    expect(page.locator(".effect li").first).to_be_visible()
    expect(page.locator("[name=_save]")).to_be_focused()
    eye.look("admin-calling-rules-shown")

    page.goto(rules.replace("/change/", "/delete/"))
    expect(page.locator(".effect li").first).to_be_visible()
    eye.look("admin-calling-rules-delete")
    page.goto("/admin/pledges/callingrules/")
    eye.look("admin-calling-rules")

    page.goto("/admin/calls/checkrules/add/")
    page.select_option("[name=organization]", label="Stichting Helder Water")
    page.check("[name=needed][value=account]")
    eye.look("admin-check-rules-new")
    send(page)
    expect(page.locator(".effect li").first).to_be_visible()
    eye.look("admin-check-rules-shown")

    page.goto("/admin/pledges/paymentrules/")
    page.locator("#result_list tbody th a").first.click()
    page.fill("[name=texts_a_day]", "1")
    send(page)
    expect(page.locator(".effect li").first).to_be_visible()
    eye.look("admin-payment-rules-shown")


def test_people_come_from_a_file(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "mo")
    page.goto("/admin/accounts/user/")
    eye.look("admin-people")
    page.click("a[href$='/import/']")
    eye.look("admin-import-people")
    send(page)
    expect(page.locator(".errorlist")).to_be_visible()
    eye.look("admin-import-people-refused")
    file = PEOPLE.format(name=f"zoe-{eye.language}").encode()
    page.set_input_files(
        "[name=file]", {"name": "mensen.csv", "mimeType": "text/csv", "buffer": file}
    )
    send(page)
    expect(page.locator(".results tbody tr")).to_have_count(4)
    eye.look("admin-import-people-shown")
    send(page)
    expect(page.locator(".results code")).to_have_count(1)
    eye.look("admin-import-people-done")

    page.goto(str(page.locator(".results code").text_content()))
    expect(page.locator("[name=new_password1]")).to_be_visible()
    eye.look("first-password")
    page.fill("[name=new_password1]", "kort")
    page.fill("[name=new_password2]", "kort")
    page.click("main button.primary, .entrance button.primary")
    expect(page.locator(".errorlist").first).to_be_visible()
    eye.look("first-password-refused")
    page.goto("/accounts/first-password/MQ/nonsense/")
    eye.look("first-password-spent")


def test_donors_are_found_by_name_also_on_a_phone(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    for rows in ("calls/call", "pledges/person", "pledges/pledge"):
        page.goto(f"/admin/{rows}/")
        for size in (NARROW, SMALLEST):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            box = page.locator("#searchbar").bounding_box()
            assert box is not None
            assert box["width"] >= 200, (rows, size)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        name = str(page.locator("#result_list tbody th").first.text_content()).split()[-1]
        page.fill("#searchbar", name)
        page.click("#changelist-search [type=submit]")
        expect(page.locator("#searchbar")).to_have_value(name)
        assert name not in page.url
        expect(page.locator("#result_list tbody th").first).to_contain_text(name)
        eye.look(f"admin-{rows.replace('/', '-')}-found")
