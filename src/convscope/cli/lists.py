"""`convscope networks` and `datasets`: what there is."""

from convscope.cli.output import print_json, result_console


def networks(*, json: bool = False) -> int:
    """List the networks of the package.

    Parameters
    ----------
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_columns
    from convscope.networks.catalogue import CATALOGUE, FROM_ELSEWHERE

    rows = [*((entry.name, entry.description) for entry in CATALOGUE), *FROM_ELSEWHERE]
    if json:
        print_json({"networks": [{"name": name, "description": text} for name, text in rows]})
    else:
        print_columns(result_console(), rows)
    return 0


def datasets(*, json: bool = False) -> int:
    """List the data sets that have a name, and whether they are on this machine.

    Parameters
    ----------
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_columns
    from convscope.data.sources.named import NAMED_SETS

    rows = [(each.name, "here" if each.is_here() else "to download", each.description) for each in NAMED_SETS]
    rows.append(("counting:1-5", "generated", "circles to count, 1,000 images a class; any range"))
    if json:
        print_json(
            {"datasets": [{"name": n, "state": state, "description": text} for n, state, text in rows]}
        )
    else:
        print_columns(result_console(), rows)
    return 0
