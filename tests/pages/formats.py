"""Reads pages as JSON and XML, held to the schemas that the package ships."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from lxml import etree  # type: ignore[import-untyped]

SCHEMAS = files("ledger.pages") / "schemas"
NAMESPACE = "{urn:ledger:page:1}"


@cache
def json_schema() -> Draft202012Validator:
    schema = json.loads((SCHEMAS / "page.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@cache
def xml_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring((SCHEMAS / "page.xsd").read_bytes()))


def read_json(text: str) -> Any:
    """Return what a page says, if the schema allows it."""
    said = json.loads(text)
    json_schema().validate(said)
    return said


def read_xml(text: str) -> etree._Element:
    """Return the root of a page, if the schema allows it."""
    root = etree.fromstring(text.encode())
    xml_schema().assertValid(root)
    return root


def told(element: etree._Element) -> Any:
    """Return what an element says: by the names of what is in it, or else its text."""
    if not len(element):
        return element.text or ""
    parts = [(str(part.tag).removeprefix(NAMESPACE), told(part)) for part in element]
    is_list = len({name for name, _ in parts}) == 1 and parts[0][0] in ITEMS
    return [part for _, part in parts] if is_list else dict(parts)


ITEMS = {"change", "context", "day", "diff", "entry", "note", "source", "span", "text"}


def as_xml_says_it(said: Any) -> Any:
    """Return what JSON says as `told` gives it: no nulls, all values are texts, no list is ""."""
    match said:
        case dict():
            return {k: as_xml_says_it(v) for k, v in said.items() if v is not None}
        case list():
            return [as_xml_says_it(item) for item in said] or ""
        case bool():
            return str(said).lower()
        case _:
            return str(said)
