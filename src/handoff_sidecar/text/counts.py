"""Numbers of things, as a sentence tells them."""

from __future__ import annotations


def count(number: int, one: str, many: str = "") -> str:
    """`1 turn`, `2 turns`; where more than the noun changes, or it takes no `s`, `many` says how."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def so_many(number: int, one: str) -> str:
    """As it stands after `the newest` and the like: `message`, `2 messages`."""
    return one if number == 1 else count(number, one)
