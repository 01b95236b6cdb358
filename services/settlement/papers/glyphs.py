"""What the papers' font can show. STSong-Light has the characters of GBK; another would print as nothing at all."""

from __future__ import annotations

MISSING = "〓"
"""Stands on paper for a character the font lacks, followed by its code point."""


def is_shown(character: str) -> bool:
    if character < " ":
        return False
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def shown(text: str) -> str:
    """The text with every character the font lacks as 〓 and its code point: 〓(U+20BB7)."""
    return "".join(one if is_shown(one) else f"{MISSING}(U+{ord(one):04X})" for one in text)
