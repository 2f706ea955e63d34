"""People taken in from a file: shown line by line, saved once, with no password made for them."""

import re
import uuid
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import AuditEntry, User
from integrations.sandbox import names
from pledges.models import Organization
from tests.admin.rows import client_of, confirm, list_of
from tests.factories import PASSWORD, UserFactory
from tests.pledges import browsing

pytestmark = pytest.mark.django_db

IMPORT = "/admin/accounts/user/import/"
HEAD = "username;name;e-mail;role;organisations;TapRaise user uuid"


def words_of(answer: Any) -> str:
    return unescape(browsing.words_of(answer))


def give(client: Client, *lines: str, encoding: str = "utf-8") -> Any:
    return give_bytes(client, "\r\n".join(lines).encode(encoding))


def give_bytes(client: Client, contents: bytes) -> Any:
    return client.post(IMPORT, {"file": SimpleUploadedFile("people.csv", contents)})


def send(client: Client, page: Any, **changes: str) -> Any:
    """Confirm what a page shows, as a browser does."""
    return client.post(IMPORT, {**hidden(page), **changes})


def hidden(page: Any) -> dict[str, str]:
    found = re.findall(r'name="(lines|seen|token)" value="([^"]*)"', page.content.decode())
    return {name: unescape(value) for name, value in found}


def rows_of(page: Any) -> list[str]:
    """The table of a page, a text a line."""
    body = page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


class TestAFile:
    def test_a_manager_sees_what_each_line_does_and_nothing_is_saved_before(
        self, manager: Client, helder_water: Organization, bob: User, alice: User
    ) -> None:
        page = give(
            manager,
            HEAD,
            "erik;Erik van Dam;erik@example.org;agent;Stichting Helder Water;",
            "bob;;;supervisor;;",
            "alice;;;agent;;",
            "dora;Dora;;chief;;",
        )
        assert rows_of(page) == [
            "2 erik new name: Erik van Dam role: agent e-mail: erik@example.org "
            "Organisations: Stichting Helder Water",
            "3 bob changed role: supervisor (was: agent)",
            "4 alice the same –",
            "5 dora refused There is no role 'chief': write agent or supervisor or manager.",
        ]
        assert "1 new 1 changed 1 the same 1 refused" in words_of(page)
        assert not User.objects.filter(username="erik").exists()
        bob.refresh_from_db()
        assert bob.role == User.Role.AGENT

    def test_confirmed_it_is_done_once_and_those_who_are_new_choose_a_password(
        self, manager: Client, helder_water: Organization, bob: User
    ) -> None:
        person = str(uuid.uuid4())
        page = give(
            manager,
            HEAD,
            f"erik;Erik van Dam;erik@example.org;supervisor;Stichting Helder Water;{person}",
            "bob;;;supervisor;;",
        )
        done = send(manager, page)
        assert done.status_code == 200
        erik = User.objects.get(username="erik")
        assert (erik.first_name, erik.last_name, erik.role) == ("Erik", "van Dam", "supervisor")
        assert (erik.is_staff, erik.is_superuser) == (True, False)
        assert str(erik.tapraise_user_uuid) == person
        assert list(erik.organizations.all()) == [helder_water]
        assert not erik.has_usable_password()
        bob.refresh_from_db()
        assert (bob.role, bob.is_staff) == ("supervisor", True)
        facts = AuditEntry.objects.get(action="user.added").facts
        assert facts["by_file"] is True
        assert facts["organizations"] == [str(helder_water.pk)]
        assert AuditEntry.objects.get(action="user.changed").user.username == "carol"

        # Sent once more nothing is done twice; the address is there all the same.
        again = send(manager, page)
        assert "nothing was done twice" in words_of(again)
        assert AuditEntry.objects.filter(action__in=["user.added", "user.changed"]).count() == 2
        assert rows_of(give(manager, HEAD, "bob;;;supervisor;;")) == ["2 bob the same –"]

        (line,) = rows_of(done)
        address = line.split()[-1].removeprefix("http://testserver")
        stranger = Client(headers={"accept-language": "en"})
        form = stranger.get(address, follow=True)
        assert "You sign in as erik." in words_of(form)
        where = form.redirect_chain[-1][0]
        weak = stranger.post(where, {"new_password1": "kort", "new_password2": "kort"})
        assert weak.status_code == 422
        chosen = stranger.post(where, {"new_password1": PASSWORD, "new_password2": PASSWORD})
        assert chosen["Location"] == reverse("account_login")
        assert Client().login(username="erik", password=PASSWORD)
        assert AuditEntry.objects.get(action="user.password_chosen").user == erik
        # It worked once.
        assert "no longer valid" in words_of(stranger.get(address, follow=True))

    def test_an_empty_cell_leaves_what_is_there(
        self, manager: Client, helder_water: Organization, bob: User
    ) -> None:
        before = set(bob.organizations.all())
        send(manager, give(manager, HEAD, "bob;Bob Anders;;;;"))
        bob.refresh_from_db()
        assert (bob.first_name, bob.last_name, bob.role) == ("Bob", "Anders", "agent")
        assert set(bob.organizations.all()) == before
        assert bob.tapraise_user_uuid is not None

    @pytest.mark.parametrize(
        "head",
        ["gebruikersnaam;Voornaam;Achternaam", "username;first name;last name"],
    )
    def test_a_name_may_stand_in_two_columns(self, manager: Client, bob: User, head: str) -> None:
        User.objects.filter(pk=bob.pk).update(first_name="Bob", last_name="Anders")
        page = give(manager, head, "zoe;Zoë;van Dijk", "bob;;Jansen")
        assert rows_of(page) == [
            "2 zoe new name: Zoë van Dijk role: agent",
            "3 bob changed name: Bob Jansen (was: Bob Anders)",
        ]
        assert "passed over" not in words_of(page)
        send(manager, page)
        zoe = User.objects.get(username="zoe")
        assert (zoe.first_name, zoe.last_name) == ("Zoë", "van Dijk")
        bob.refresh_from_db()
        assert (bob.first_name, bob.last_name) == ("Bob", "Jansen")
        assert "first name , last name" in words_of(manager.get(IMPORT))

    def test_a_name_stands_there_once(self, manager: Client) -> None:
        page = give(manager, "username;name;first name", "zoe;Zoë van Dijk;Zoë")
        assert "Two columns of this file mean the same: name and first name." in words_of(page)

    def test_organisations_are_those_that_the_line_names(
        self, manager: Client, helder_water: Organization, dierenhulp: Organization, bob: User
    ) -> None:
        line = f"bob;;;;Dierenhulp Noord | {helder_water.pk};"
        page = give(manager, HEAD, line)
        assert "Organisations: Dierenhulp Noord, Stichting Helder Water" in rows_of(page)[0]
        send(manager, page)
        assert set(bob.organizations.all()) == {helder_water, dierenhulp}

    def test_an_organisation_that_goes_is_seen_before_it_does(
        self, manager: Client, helder_water: Organization, dierenhulp: Organization, bob: User
    ) -> None:
        bob.organizations.set([helder_water, dierenhulp])
        page = give(manager, HEAD, "bob;;;;Dierenhulp Noord;")
        assert rows_of(page) == [
            "2 bob changed Organisations: Dierenhulp Noord "
            "(was: Dierenhulp Noord, Stichting Helder Water)"
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
    @pytest.mark.parametrize("sign", [",", ";", "\t"])
    def test_excel_may_save_it_as_it_likes(self, manager: Client, encoding: str, sign: str) -> None:
        head = sign.join(["Gebruikersnaam", "Naam", "Rol"])
        line = sign.join(["zoe", "Zoë Çelik – Brandt", "Manager"])
        send(manager, give(manager, head, line, "", encoding=encoding))
        zoe = User.objects.get(username="zoe")
        assert (zoe.first_name, zoe.last_name, zoe.role) == ("Zoë", "Çelik – Brandt", "manager")

    def test_roles_have_names_in_dutch_too(self, manager: Client) -> None:
        with translation.override("nl"):
            role = str(User.Role.AGENT.label)
        page = give(manager, "Gebruikersnaam;Rol", f"erik;{role.upper()}", "emma;MANAGER")
        assert [row.split()[2] for row in rows_of(page)] == ["new", "new"]


class TestRefusedLines:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (";Erik;;agent;;", "There is no username."),
            ("er ik;Erik;;agent;;", "letters, digits and @ . + - _ only"),
            ("erik;;geen adres;;;", "'geen adres' is no e-mail address."),
            ("erik;;;;Onbekend;", "There is no organisation 'Onbekend' that you may give."),
            ("erik;;;;;123", "'123' is no uuid: copy it from TapRaise, whole."),
            (f"erik;;;;;{names.BOB}", "bob has this TapRaise user uuid already."),
            ("BOB;;;;;", "There is 'bob' already: write it with the same capitals."),
            ("root;;;agent;;", "This person may do everything everywhere: no file changes them."),
            ("carol;;;agent;;", "You cannot change your own role."),
            (f"erik;{'x' * 151};;;;", "This name is too long."),
        ],
    )
    def test_says_why_and_where_in_one_sentence(
        self, manager: Client, bob: User, line: str, words: str
    ) -> None:
        UserFactory(username="root", is_superuser=True, is_staff=True)
        page = give(manager, HEAD, "frits;;;;;", line)
        second = rows_of(page)[1]
        assert second.startswith("3 ")
        assert "refused" in second
        assert words in second
        send(manager, page)
        assert User.objects.filter(username="frits").exists()
        assert not User.objects.filter(username="erik").exists()

    def test_everything_that_is_wrong_with_a_line_is_told_at_once(self, manager: Client) -> None:
        page = give(manager, HEAD, "erik;;geen adres;chief;Onbekend;123")
        assert rows_of(page) == [
            "2 erik refused 'geen adres' is no e-mail address. "
            "There is no role 'chief': write agent or supervisor or manager. "
            "'123' is no uuid: copy it from TapRaise, whole. "
            "There is no organisation 'Onbekend' that you may give."
        ]

    def test_the_same_person_twice(self, manager: Client) -> None:
        page = give(manager, HEAD, "erik;;;;;", "", "Erik;;;;;")
        assert "4 Erik refused This username stands in line 2 too." in rows_of(page)


class TestUnreadableFiles:
    @pytest.mark.parametrize(
        ("contents", "words"),
        [
            (b"", "There is nothing in this file"),
            (b"\r\n \r\n", "There is nothing in this file."),
            (b"PK\x03\x04\0\0", "This is no text. Save it as CSV"),
            (b"naam;rol\r\nErik;agent", "names no column username or gebruikersnaam."),
            (b"username;rol", "There is nobody in this file"),
            (b"username;user\r\nerik;erik", "Two columns of this file mean the same"),
            (b'username;naam\r\nerik;"Erik', "in line 2 a quote is not closed"),
            (b"username\r\n" + b"erik\r\n" * 1001, "This file has more than 1"),
            (b"username\r\n" + b"x" * 530_000, "larger than 512 KB"),
            (b"username\r\n\x81\x8d", "The letters of this file cannot be read."),
        ],
    )
    def test_are_refused_in_one_sentence(
        self, manager: Client, contents: bytes, words: str
    ) -> None:
        answer = give_bytes(manager, contents)
        assert answer.status_code == 422
        assert words in words_of(answer)

    def test_no_file_at_all(self, manager: Client) -> None:
        answer = manager.post(IMPORT, {})
        assert answer.status_code == 422
        assert "Choose a file." in words_of(answer)


class TestWhatComesBack:
    def test_something_else_than_was_shown_is_shown_anew(self, manager: Client, bob: User) -> None:
        page = give(manager, HEAD, "bob;;;supervisor;;")
        User.objects.filter(pk=bob.pk).update(role=User.Role.MANAGER)
        answer = send(manager, page)
        assert answer.status_code == 409
        assert "Somebody changed people meanwhile." in words_of(answer)
        assert rows_of(answer) == ["2 bob changed role: supervisor (was: manager)"]
        bob.refresh_from_db()
        assert bob.role == User.Role.MANAGER
        assert send(manager, answer).status_code == 200
        bob.refresh_from_db()
        assert bob.role == User.Role.SUPERVISOR

    @pytest.mark.parametrize("lines", ["", "{", "[1]", '[["x","","","","","",""]]', "[[1]]", "7"])
    def test_nonsense_is_refused(self, manager: Client, lines: str) -> None:
        answer = send(manager, give(manager, HEAD, "erik;;;;;"), lines=lines)
        assert answer.status_code == 422
        assert "Give the file again." in words_of(answer)
        assert not User.objects.filter(username="erik").exists()

    def test_a_line_that_was_made_up_is_held_against_the_same_rules(self, manager: Client) -> None:
        UserFactory(username="root", is_superuser=True, is_staff=True)
        page = give(manager, HEAD, "erik;;;;;")
        lines = hidden(page)["lines"].replace("erik", "root")
        assert send(manager, page, lines=lines).status_code == 409


class TestWhoMay:
    def test_a_supervisor_finds_no_way_in(self, supervisor: Client) -> None:
        assert supervisor.get(IMPORT).status_code == 403
        assert give(supervisor, HEAD, "erik;;;;;").status_code == 403
        assert IMPORT not in supervisor.get(list_of(User)).content.decode()

    def test_a_manager_finds_it_on_the_list_with_a_file_to_begin_with(
        self, manager: Client, helder_water: Organization
    ) -> None:
        assert IMPORT in manager.get(list_of(User)).content.decode()
        assert f"{IMPORT}sample/" in manager.get(IMPORT).content.decode()
        sample = manager.get(f"{IMPORT}sample/")
        assert "attachment" in sample["Content-Disposition"]
        page = give_bytes(manager, sample.content)
        # Carol is there already, and it is she who asks.
        assert [row.split()[2] for row in rows_of(page)] == ["new", "refused"]


class TestAddressesToChooseAPassword:
    def test_a_manager_makes_one_for_somebody_who_forgot(self, manager: Client, bob: User) -> None:
        root = UserFactory(username="root", is_superuser=True, is_staff=True)
        chosen = {"action": "make_password_paths", "_selected_action": [bob.pk, root.pk]}
        page = manager.post(list_of(User), chosen)
        assert "root" not in words_of(page)
        done = confirm(manager, User, page, also=root)
        (line,) = rows_of(done)
        assert line.startswith("bob http://testserver/accounts/first-password/")
        assert AuditEntry.objects.filter(action="user.password_path_made").count() == 1
        # What bob has stays until then.
        assert Client().login(username="bob", password=PASSWORD)

    def test_a_supervisor_makes_none(self, supervisor: Client, bob: User) -> None:
        chosen = {"action": "make_password_paths", "_selected_action": [bob.pk]}
        supervisor.post(list_of(User), chosen)
        assert not AuditEntry.objects.filter(action="user.password_path_made").exists()

    def test_somebody_who_is_signed_in_already_may_open_one_too(self, alice: User) -> None:
        answer = client_of(alice).get("/accounts/first-password/MQ/nonsense/")
        assert "no longer valid" in words_of(answer)
