"""Groups of what belongs together, directly or along a chain."""

from collections.abc import Hashable, Iterable


def group_linked(links: Iterable[tuple[str, Hashable]]) -> dict[str, str]:
    """Return each key with the name of its group: keys that share a link, directly or along a chain, are one group.

    Args:
        links: (key, what it is linked to); a key may occur several times.
    Returns:
        Key -> the first key of its group in alphabetical order, whatever the order of the links.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    first_key: dict[Hashable, str] = {}
    for key, link in links:
        name, joined = sorted((root(key), root(first_key.setdefault(link, key))))
        parent[joined] = name
    return {key: root(key) for key in parent}
