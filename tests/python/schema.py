"""The published schemas, for messages and records that the package sends. Needs the package jsonschema."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

try:
    import jsonschema
except ImportError:
    jsonschema = None


def _schema(name):
    return json.loads((ROOT / "assets" / name).read_text("utf-8"))


@lru_cache(None)
def validator(direction, strict=True):
    """Of messages in one direction, such as "FromEngine". A strict one refuses fields that the schema does not name."""
    schema = _schema("protocol.schema.json")
    del schema["anyOf"]
    forms = schema["$defs"][direction]["oneOf"]
    if strict:
        for form in forms:
            form["unevaluatedProperties"] = False
        # A definition that a form adds its `type` to is closed by the form.
        extended = {form["$ref"].rsplit("/", 1)[-1] for form in forms if "$ref" in form}
        for name, shape in schema["$defs"].items():
            for one in [shape, *shape.get("anyOf", [])]:
                if "properties" in one and name not in extended:
                    one["additionalProperties"] = False
    return jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/" + direction})


@lru_cache(None)
def records():
    """Of records of a recording."""
    return jsonschema.Draft202012Validator(_schema("trace.schema.json"))


def fault(validator, message):
    """What is wrong with a message, in words; None where it fits."""
    found = jsonschema.exceptions.best_match(validator.iter_errors(message))
    return None if found is None else "%s: %.300r" % (found.message, message)


def of_loop(line):
    """What is wrong with a line of a sampling loop, a message or a record."""
    return fault(records() if "kind" in line and "type" not in line else validator("FromLoop"), line)


def checked(line):
    """A line of a sampling loop; raises AssertionError where it does not fit. Without jsonschema nothing is checked."""
    wrong = None if jsonschema is None else of_loop(line)
    if wrong is not None:
        raise AssertionError(wrong)
    return line


def published(name):
    """The messages of tests/protocol."""
    return [json.loads(line) for line in (ROOT / "tests/protocol" / name).read_text("utf-8").splitlines()]


def misspelt(line):
    """Copies of a message, each with one field misspelt."""
    for name in line:
        yield {("%ss" % name if key == name else key): value for key, value in line.items()}


def same_forms(name, lines):
    """Whether the messages of tests/protocol are of the forms of `lines`: the same types with the same fields."""
    forms = {}
    for line in lines:
        forms.setdefault(str([line["type"], line.get("kind"), sorted(line)]), line)
    kept = [line for _, line in sorted(forms.items())]
    if "UPDATE_DOCUMENTS" in os.environ:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
        # Where a package is installed is the machine's own.
        text = re.sub(r'File \\"[^"\\]*/site-packages/', r'File \\"site-packages/', text)
        (ROOT / "tests/protocol" / name).write_text(text, "utf-8")
    shapes = [[(line["type"], line.get("kind"), sorted(line)) for line in some] for some in (published(name), kept)]
    return shapes[0] == shapes[1]


def other(value):
    """A value of another type."""
    if isinstance(value, str):
        return 17.5
    return {"x": 1} if isinstance(value, list) else "x"


def changed(value, change):
    """Copies of a JSON value, each with one place changed: (path, copy). `change` maps a container and a key to a copy of
    the container in which that entry is changed. Of long lists the first two entries."""
    if isinstance(value, dict):
        entries = list(value.items())
    else:
        entries = list(enumerate(value[:2])) if isinstance(value, list) else []
    for key, entry in entries:
        yield "/%s" % key, change(value, key)
        for path, inner in changed(entry, change):
            copy = value.copy()
            copy[key] = inner
            yield "/%s%s" % (key, path), copy


def retyped(container, key):
    copy = container.copy()
    copy[key] = other(copy[key])
    return copy


def without(container, key):
    copy = container.copy()
    del copy[key]
    return copy
