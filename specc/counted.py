"""Numbers of things in words, for both towers: `1 row`, `2,000 rows`."""


def noun(count: int, one: str) -> str:
    """`row` for one of them, `rows` for any other number."""
    return one if count == 1 else f"{one}s"


def counted(count: int, one: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {noun(count, one)}"


def size_of(count: int) -> str:
    """A number of bytes: `34 kB`, `1.2 MB`."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
