"""Keys that share a link, directly or along a chain, are one group."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.groups import group_linked

LINKS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 8)))


def components(links):
    """Join two keys that share a link until nothing changes: slow, and without a trick."""
    groups = {key: {key} for key, _ in links}
    changed = True
    while changed:
        changed = False
        for (one, link), (other, same) in combinations(links, 2):
            if link == same and groups[one] != groups[other]:
                joined = groups[one] | groups[other]
                groups |= dict.fromkeys(joined, joined)
                changed = True
    return {key: min(group) for key, group in groups.items()}


@given(LINKS)
def test_groups_are_the_connected_components_named_by_their_first_key(links):
    assert group_linked(links) == components(links)


@given(LINKS, st.randoms())
def test_the_order_of_links_does_not_matter(links, random):
    shuffled = random.sample(links, len(links))
    assert group_linked(shuffled) == group_linked(links)


def test_a_chain_joins_what_no_single_link_does():
    assert group_linked([("c", 1), ("b", 1), ("b", 2), ("a", 2), ("d", 3)]) == {"a": "a", "b": "a", "c": "a", "d": "d"}
