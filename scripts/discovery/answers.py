"""Answers in JSON and XML, from servers that may be others than was thought."""

import json
import xml.etree.ElementTree
import xml.parsers.expat

from discovery.errors import Failure

_DEPTH = 100


def refuse_page(name, response):
    """A proxy's or a portal's page in place of the answer is a Failure."""
    start = response.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = response.headers.get("Content-Type", "").lower()
    if start.startswith((b"<!doctype html", b"<html")) or kind.startswith("text/html"):
        raise Failure(f"{name} answered with a web page (HTML, status {response.status}): "
                      "is a proxy or a login page between?")


def json_of(name, response):
    """Its value. Bodies are never quoted: there are tokens among them."""
    refuse_page(name, response)
    try:
        return json.loads(response.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _garbage(name, response, "JSON") from None


def xml_of(name, response):
    """Its root element. Names are as written, with their prefixes."""
    refuse_page(name, response)
    builder = xml.etree.ElementTree.TreeBuilder()
    parser = xml.parsers.expat.ParserCreate("utf-8")
    depth = 0

    def start(tag, attributes):
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise ValueError("too deep")
        builder.start(tag, attributes)

    def end(tag):
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def doctype(*_):
        # Entities come with it: files of this host, or gigabytes made of a few bytes.
        raise ValueError("a DOCTYPE")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(response.body, True)
        return builder.close()
    except (ValueError, xml.parsers.expat.ExpatError):
        raise _garbage(name, response, "XML") from None


def _garbage(name, response, language):
    return Failure(f"{name} answered (status {response.status}) with {len(response.body)} bytes "
                   f"that are no {language}: cut off on the way, or not that service?")


def member(value, name, kind):
    """value[name] where it is of that kind, else an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else kind()
