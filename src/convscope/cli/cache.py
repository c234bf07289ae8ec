"""`convscope cache`: decoded images and their features, kept so that nothing is computed twice."""

from datetime import UTC, datetime

from convscope.cli.output import print_json, result_console
from convscope.wording import here, size

KEY_SHOWN = 12


def cache(*, clear: bool = False, json: bool = False) -> int:
    """List what the pixel cache holds, the last used first, or empty it.

    Parameters
    ----------
    clear
        Remove all of it. Nothing is lost: the next training decodes its images, and computes their features,
        again.
    json
        Print one JSON document on stdout.
    """
    from convscope.data.pixels.cache import CACHE_LIMIT, cache_folder, list_cache

    if clear:
        return _clear(json)
    entries = list_cache()
    total = sum(entry.bytes for entry in entries)
    if json:
        print_json(
            {
                "folder": str(cache_folder()),
                "bytes": total,
                "limit": CACHE_LIMIT,
                "entries": [
                    {
                        "key": entry.key,
                        "data": entry.name,
                        "holds": entry.holds,
                        "bytes": entry.bytes,
                        "images": entry.images,
                        "shape": list(entry.shape),
                        "used": _moment(entry.used).isoformat(timespec="seconds"),
                    }
                    for entry in entries
                ],
            }
        )
        return 0
    from convscope.cli.screen import print_line, print_table, print_whole

    console = result_console()
    if not entries:
        console.print(f"the pixel cache is empty: {cache_folder()}")
        return 0
    rows = [
        (
            entry.name or ("any" if entry.holds == "features" else entry.key[:KEY_SHOWN]),
            f"{entry.images:,}",
            entry.holds,
            "×".join(map(str, entry.shape)),
            size(entry.bytes),
            _moment(entry.used).astimezone().strftime("%Y-%m-%d %H:%M"),
        )
        for entry in entries
    ]
    head = ("data", "images", "holds", "shape", "size", "last used")
    print_table(console, head, rows, left_out_first=("last used", "shape"))
    console.print()
    print_line(
        console,
        "total",
        f"{size(total)} of {size(CACHE_LIMIT)}; the longest unused go first when it is full",
    )
    print_whole(console, "folder", here(cache_folder()))
    print_whole(console, "empty it", "convscope cache --clear")
    return 0


def _clear(json: bool) -> int:
    from convscope.data.pixels.cache import cache_folder, clear_cache

    freed = clear_cache()
    if json:
        print_json({"folder": str(cache_folder()), "freed": freed})
    elif freed:
        result_console().print(f"removed {size(freed)} of decoded images from {cache_folder()}")
    else:
        result_console().print(f"the pixel cache was empty: {cache_folder()}")
    return 0


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
