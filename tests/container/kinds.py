"""Kubernetes manifests against the types of its API, as its Python client has them.

No server is asked. What the API does not know is an error, as `kubectl apply` has it.
"""

import re

from kubernetes import client

_KINDS = {
    ("v1", "Service"): client.V1Service,
    ("v1", "ConfigMap"): client.V1ConfigMap,
    ("v1", "Pod"): client.V1Pod,
    ("apps/v1", "DaemonSet"): client.V1DaemonSet,
}
_SCALARS = {"str": str, "int": int, "bool": bool, "float": float}


def check(manifest):
    """An AssertionError names the field that is wrong."""
    kind = manifest.get("apiVersion"), manifest.get("kind")
    assert kind in _KINDS, f"{kind}: not known here"
    _check_object(manifest, _KINDS[kind], kind[1])


def _check_object(value, type_, at):
    assert isinstance(value, dict), f"{at}: no mapping"
    fields = {json: name for name, json in type_.attribute_map.items()}
    built = {}
    for key, item in value.items():
        assert key in fields, f"{at}.{key}: the API knows no such field"
        _check_value(item, type_.openapi_types[fields[key]], f"{at}.{key}")
        built[fields[key]] = item
    # The client itself checks what is required, and what is an enumeration.
    try:
        type_(**built)
    except ValueError as error:
        raise AssertionError(f"{at}: {error}") from None


def _check_value(value, type_, at):
    if match := re.fullmatch(r"list\[(.*)\]", type_):
        assert isinstance(value, list), f"{at}: no list"
        for number, item in enumerate(value):
            _check_value(item, match[1], f"{at}[{number}]")
    elif match := re.fullmatch(r"dict\(str, (.*)\)", type_):
        assert isinstance(value, dict), f"{at}: no mapping"
        for key, item in value.items():
            _check_value(item, match[1], f"{at}.{key}")
    elif type_ in _SCALARS:
        assert type(value) is _SCALARS[type_], f"{at}: {value!r} is no {type_}"
    elif type_ != "object":
        _check_object(value, getattr(client, type_), at)
