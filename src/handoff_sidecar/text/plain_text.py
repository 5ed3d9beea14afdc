"""Text from people, models and old sessions, made fit to stand in a prompt.

Such text is data: it may hold control characters, invisible ones, or lines that look like the prompt's own.
Knows nothing of what the text says.
"""

from __future__ import annotations

import re
import unicodedata

_KEPT = "\n\t\u200c\u200d"
"""Zero-width (non-)joiners are part of the spelling in several scripts and in emoji, not of anything in ASCII."""

LONGEST_WORD_CUT = 25
"""A piece of a word that is longer is a path, an id, or a language without blanks."""

_HIDDEN_JOINERS = re.compile(r"(?<=[\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?=[\x00-\x7f]|$)")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
"""What some programs and models take for a new line."""

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LOOKS_LIKE_THE_FRAME = re.compile(r"(?m)^(?=(?:#{1,6}\s|-{3,}\s*$|\*\*[\w ,]+:\*\*|Previous: `))")


def clean(text: str) -> str:
    """The text without terminal escapes, control and invisible formatting characters; newlines and tabs stay."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # most texts of a history of 30 MB, in a sixth of the time of what follows
    text = _LINE_ENDS.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    for character in set(text):
        if character not in _KEPT and unicodedata.category(character) in {"Cc", "Cf", "Cs"}:
            text = text.replace(character, "")
    return _HIDDEN_JOINERS.sub("", text)


def one_line(text: str, max_characters: int) -> str:
    """The text as one line of at most `max_characters`, with `…` where it was cut."""
    line = " ".join(clean(text).split())
    return line if len(line) <= max_characters else f"{_at_a_word(line[: max_characters - 1])}…"


def _at_a_word(cut: str) -> str:
    """Without the piece of a word at its end, in scripts that have blanks."""
    end = cut.rfind(" ", -LONGEST_WORD_CUT)
    return (cut[:end] if end > 0 else cut).rstrip()


def code(text: str) -> str:
    """A line as Markdown shows code; a backtick inside would end it."""
    return "`{}`".format(text.replace("`", "'"))


def unquoted(text: str) -> str:
    """The text without quotes around the whole of it, as `opencode run` puts them around several words."""
    text = text.strip()
    inner = text[1:-1]
    return inner if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner else text


def paragraph(text: str, max_characters: int) -> str:
    """The text with its line breaks but without blank lines, indented where a line could pass for the prompt's own."""
    lines = (" ".join(line.split()) for line in clean(text).splitlines())
    joined = "\n".join(line for line in lines if line)
    if len(joined) > max_characters:
        joined = joined[: max_characters - 1].rstrip() + "…"
    return _LOOKS_LIKE_THE_FRAME.sub("  ", joined)
