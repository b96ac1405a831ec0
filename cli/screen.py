"""What may be printed on a terminal of what others have written."""

__all__ = ["plain"]


def plain(text: str) -> str:
    """Return *text* without what would move a terminal's cursor or turn its lines around."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
