"""What is wrong with the shape of what somebody sent, as a sentence that says what to give instead.

Pydantic's own sentences speak to programmers ("Input should be a valid tuple"). Nothing of what was
sent is repeated.
"""

from collections.abc import Mapping
from typing import Any

_SENTENCES: Mapping[str, str] = {
    "missing": "give this too; it is required",
    "extra_forbidden": "leave this out: there is nothing of that name here",
    "string_type": "give a text",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "float_parsing": "give a number",
    "finite_number": "give a number that is not infinite",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "tuple_type": "give a list",
    "list_type": "give a list",
    "set_type": "give a list",
    "dict_type": "give an object",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "too_short": "give at least {min_length}",
    "string_too_short": "give at least {min_length} characters",
    "too_long": "give at most {max_length}",
    "string_too_long": "give at most {max_length} characters",
    "greater_than_equal": "give {ge} or more",
    "greater_than": "give more than {gt}",
    "less_than_equal": "give {le} or less",
    "less_than": "give less than {lt}",
    "literal_error": "take one of {expected}",
    "enum": "take one of {expected}",
    "union_tag_invalid": "take one of {expected_tags} as {discriminator}",
    "union_tag_not_found": "say which one it is with {discriminator}",
    "timezone_aware": "give a time with its offset, like 2026-03-31T09:00:00+02:00",
    "string_pattern_mismatch": "write it as {pattern} describes",
}
_UUID = "[0-9a-f]{4}-[0-9a-f]{12}"
_OWNER = "give an owner as team:<id> or user:<id>, the id a UUID in small letters"
_PATTERNS: Mapping[str, str] = {
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "give a time of day, like 09:30",
    "^[A-Z]{2}$": "give a country by two capital letters, like GB",
    "^[A-Za-z0-9_+/-]+$": "give a time zone by its name, like Europe/Lisbon",
    "^[A-Za-z0-9_.:-]+$": "give a code: letters, digits and _ . : - only",
    "^[a-z][a-z0-9_]{1,62}$": "give a code: small letters, digits and _ only, a letter first",
    "^[!-~]+$": "give letters, digits and signs without spaces",
}


def fault_text(fault: Mapping[str, Any]) -> str:
    """Return the sentence for one of pydantic's errors, made with their context."""
    sentence = _SENTENCES.get(fault["type"])
    if sentence is None:
        return str(fault["msg"]).removeprefix("Value error, ")
    context = fault.get("ctx", {})
    pattern = str(context.get("pattern", ""))
    if _UUID in pattern:
        return _OWNER if "team|user" in pattern else "give an id: a UUID in small letters"
    if pattern in _PATTERNS:
        return _PATTERNS[pattern]
    try:
        return sentence.format_map(context)
    except KeyError:
        return str(fault["msg"])
