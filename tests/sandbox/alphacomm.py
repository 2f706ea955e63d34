"""What stories about Alphacomm share: the document's requests, and a judge of answers."""

from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
)

from integrations.sandbox.alphacomm.schema import SDL

from .conftest import Api

CREATE_LINK: Final = """
mutation createPayLink($payLink: PayLinkInput!){
  payLink { create (payLink: $payLink) { attributes { id value } id shortUrl longUrl } }
}"""
FIND_LINKS: Final = """
query PayLinks($filters: PayLinkFiltersInput $order: PayLinkOrderInput $offset: Int $limit: Int) {
  payLink {
    payLinks(filters: $filters order: $order offset: $offset limit: $limit) {
      items {
        id attributes { id value } personName personGender status amountPaid createdOn updatedOn
      }
      pagination { offset limit total }
    }
  }
}"""
CREATE_MANDATE: Final = """
mutation createMandate($mandate: MandateInput!){
  mandate { create (mandate: $mandate) { id reference shortUrl longUrl type } }
}"""
FIND_MANDATES: Final = """
query Mandates($filters: MandateFiltersInput $order: MandateOrderInput $offset: Int $limit: Int) {
  mandate {
    mandates(filters: $filters order: $order offset: $offset limit: $limit) {
      items { id reference personName status createdOn updatedOn }
      pagination { offset limit total }
    }
  }
}"""
ADD_RECORDS: Final = """
mutation addRecords($file: FileInput, $rows: [RowInput!]) {
  import {
    addRecords(file: $file, rows: $rows) {
      name action status
      records { scriptId status reference messages { context message level } }
    }
  }
}"""
FIND_BATCHES: Final = """
query ImportSearch($filters: BatchFiltersInput) {
  import {
    batches(filters: $filters) {
      items { name action status } pagination { offset limit total }
    }
  }
}"""
STOP_CALLING: Final = """
mutation stopCalling($scriptId: Int! $reference: String!){
  voice { stopCalling(scriptId: $scriptId reference: $reference) }
}"""

PAY_LINK: Final[dict[str, Any]] = {
    "attributes": [{"id": "source", "value": "whatsapp"}],
    "personName": "Alphacomm",
    "invoiceAmount": "15497",
    "invoiceCurrency": "EUR",
    "invoiceDescription": "Example",
    "invoiceReference": "103482",
    "invoiceDate": "2019-02-12T10:00:00+00:00",
}
MANDATE: Final[dict[str, Any]] = {
    "personName": "Alphacomm",
    "reference": "AC-HUUR",
    "type": "RCUR",
    "reason": "huur",
    "debtorReference": "20190301",
}
ROW: Final[dict[str, Any]] = {
    "reference": "f0e7a0c3",
    "script": "1001",
    "personFamilyName": "Alphacomm",
    "toMailAddress": "reminders@alphacomm.nl",
    "toPhoneNumbers": ["+31612345678"],
    "invoiceDescription": "Example payment",
    "invoiceDate": "2019-04-04",
    "invoiceDueDate": "2019-07-30",
    "invoiceReference": "40824524",
    "invoiceCurrency": "EUR",
    "invoiceAmount": "56445",
    "invoiceNumber": "249075245",
    "personBirthDay": "2000-01-01",
}


def new_link(api: Api, **fields: Any) -> str:
    """The id of a link that was made through the API."""
    made = api.asked(CREATE_LINK, payLink={**PAY_LINK, **fields})
    id_: str = made["payLink"]["create"]["id"]
    return id_


def links(api: Api, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.asked(FIND_LINKS, **asked)["payLink"]["payLinks"]["items"]
    return found


def link(api: Api, id_: str) -> dict[str, Any]:
    (found,) = links(api, filters={"id": {"equalTo": id_}})
    return found


def new_mandate(api: Api, **fields: Any) -> str:
    made = api.asked(CREATE_MANDATE, mandate={**MANDATE, **fields})
    id_: str = made["mandate"]["create"]["id"]
    return id_


def add_rows(api: Api, *rows: dict[str, Any]) -> dict[str, Any]:
    """A batch of such rows, each with what it says beyond the example's."""
    made = api.asked(ADD_RECORDS, rows=[{**ROW, **row} for row in rows])
    batch: dict[str, Any] = made["import"]["addRecords"]
    return batch


def pass_a_window(api: Api) -> None:
    api.order("clock", {"advance": 61})


def problems(query: str, data: Any) -> list[str]:
    """Where the data of an answer is not what the schema promises for that query."""
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    schema = build_schema(SDL)
    root = schema.get_root_type(operation.operation)
    assert root is not None
    return list(_problems(root, operation.selection_set, data, "data"))


def _problems(type_: Any, asked: SelectionSetNode | None, value: Any, path: str) -> list[str]:
    if isinstance(type_, GraphQLNonNull):
        return (
            [f"{path} is null"] if value is None else _problems(type_.of_type, asked, value, path)
        )
    if value is None:
        return []
    if isinstance(type_, GraphQLList):
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [
            problem
            for place, one in enumerate(value)
            for problem in _problems(type_.of_type, asked, one, f"{path}[{place}]")
        ]
    if isinstance(type_, GraphQLObjectType):
        assert asked is not None
        fields = {one.name.value: one for one in asked.selections if isinstance(one, FieldNode)}
        if not isinstance(value, dict) or value.keys() != fields.keys():
            return [f"{path} has other fields than were asked"]
        return [
            problem
            for name, node in fields.items()
            for problem in _problems(
                type_.fields[name].type, node.selection_set, value[name], f"{path}.{name}"
            )
        ]
    if isinstance(type_, GraphQLEnumType):
        return [] if value in type_.values else [f"{path} is {value}"]
    wanted = int if type_.name == "Int" else str
    return [] if isinstance(value, wanted) else [f"{path} is {value!r}"]
