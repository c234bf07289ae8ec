"""How findings say amounts, sizes and shares."""


def some(count: int, what: str, plural: str = "") -> str:
    """`1 unit`, `3 units`."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def rounded(value: float) -> str:
    """Three significant digits, with a minus sign that is one."""
    return f"{value:.3g}".replace("-", "−")


def percent(share: float) -> str:
    """`12 %`, `0.4 %`; never 0 or 100 where it is not."""
    per_cent = 100 * share
    if 0 < per_cent < 0.05:
        return "< 0.1 %"
    if 99.5 <= per_cent < 100:
        return "> 99.9 %" if per_cent >= 99.95 else f"{per_cent:.1f} %"
    return f"{per_cent:.0f} %" if per_cent >= 10 or per_cent == 0 else f"{per_cent:.1f} %"
