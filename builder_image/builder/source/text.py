"""Bytes of a stranger's file to text: the one reader of spin.toml, requirements.txt and Python sources.

Editors and shells of Windows begin files with a byte order mark or write UTF-16 (PowerShell 5: ``pip freeze >``), and
Python sources name their encoding in a comment (PEP 263).
"""

import codecs
import io
import tokenize
import unicodedata
from typing import Final

from builder.errors import BuildError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOST_ACCENTS: Final = 30  # as in the Stream-Safe Text Format of UAX #15: more than any language needs
_ASCII: Final = bytes(range(32, 127))


def decode(content: bytes, where: str) -> str:
    """Decode a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, and leave out the mark.

    Raises
    ------
    BuildError
        It is neither. ``where`` begins the text.
    """
    encoding, begin = next(((name, len(mark)) for mark, name in _MARKS if content.startswith(mark)), ("utf-8", 0))
    content = content[begin:]
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise BuildError(f"{where}: begins as {encoding.upper()[:6]} and is none. Save it as UTF-8.") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise BuildError(f"{where}, line {line}: not UTF-8 text{_guess(content)}. Save it as UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BuildError(
            f"{where}, line {line}: has NUL characters, as UTF-16 has that is taken for UTF-8. Save it as UTF-8."
        )
    return text


def composed(text: str, where: str) -> str:
    """``text`` in NFC, the form in which the paths of an app's files are written.

    Raises
    ------
    BuildError
        Normalization would take too long: it takes the square of the number of accents on one letter.
    """
    if text.isascii():
        return text
    accents, line = 0, 1
    for character in text:
        accents = accents + 1 if unicodedata.combining(character) else 0
        line += character == "\n"
        if accents > _MOST_ACCENTS:
            raise BuildError(f"{where}, line {line}: more than {_MOST_ACCENTS} accents on one letter.")
    return unicodedata.normalize("NFC", text)


def _guess(content: bytes) -> str:
    try:
        content.decode("cp949")
    except UnicodeDecodeError:
        return ""
    return " (it reads as code page 949, EUC-KR, which some editors call ANSI)"


def decode_python(content: bytes) -> str:
    """Decode a Python source, by its coding comment or as UTF-8.

    Raises
    ------
    ValueError
        Python could not read it either.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        # Some of Python's codecs take the square of a text's length (punycode), and none of those keeps ASCII.
        if _ASCII.decode(encoding) != _ASCII.decode("ascii"):
            raise ValueError(f"{encoding} is no encoding for Python sources")
        return content.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from None
