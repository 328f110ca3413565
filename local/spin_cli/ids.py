"""Names in a manifest: kebab-case component ids, lower_snake_case variables. Source: crates/serde/src/id.rs."""

from local.spin_cli.terminal import quoted


def kebab_fault(text: str) -> str | None:
    """What is wrong with a component id; None if nothing is."""
    return _fault(text, "-", "_")


def lower_snake_fault(text: str) -> str | None:
    """What is wrong with a variable name; None if nothing is."""
    return _fault(text, "_", "-", lower_only=True)


def label_fault(text: str) -> str | None:
    """What is wrong with a key-value store or database label, which may be either; None if nothing is."""
    return None if _fault(text, "_", "-") is None else kebab_fault(text)


def _fault(text: str, separator: str, wrong: str, *, lower_only: bool = False) -> str | None:
    if not text:
        return "empty"
    if wrong in text:
        return f"words must be separated with '{separator}', not '{wrong}'"
    return next((f for word in text.split(separator) if (f := _word_fault(word, separator, lower_only))), None)


def _word_fault(word: str, separator: str, lower_only: bool) -> str | None:
    words = f"'{separator}'-separated words"
    if not word:
        return f"{words} must not be empty"
    if not (word[0].isascii() and word[0].isalpha()):
        return f"{words} must start with an ASCII letter; got '{word[0]}'"
    for character in word:
        if not (character.isascii() and character.isalnum()):
            return f"{words} may only contain alphanumeric ASCII; got '{character}'"
    if word not in (word.lower(), word.upper()):
        return f"{words} must be all lowercase or all UPPERCASE; got {quoted(word)}"
    if lower_only and word != word.lower():
        return f"Lower-case identifiers must be all lowercase; got {quoted(word)}"
    return None
