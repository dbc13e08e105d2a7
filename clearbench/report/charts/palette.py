"""The table of colours for the report and its figures: two ramps of 101 steps, and the named colours.

A sequential ramp runs from near the background (step 0) to a strong colour (step 100). The diverging ramp is neutral in
the middle, orange below it and blue above it; people with any common kind of colour vision can distinguish them. The
page, its canvas and the figure files all use these colours, by step or by name.

The ramps were computed once. They are straight lines in OKLab between three stops, so lightness changes evenly
(Ottosson 2020, "A perceptual color space for image processing"). The text on each step is dark or white, whichever has
the higher contrast (WCAG 2.2). tests/report/charts/test_palette.py computes both again and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]

STEPS = 101
"""Number of steps of a ramp; they are numbered from 0 to 100."""

DARK_TEXT, LIGHT_TEXT = "#14171a", "#ffffff"


@dataclass(frozen=True)
class Ramp:
    """The colours of steps 0 to 100, and the colour of text on each step, as #rrggbb."""

    background: tuple[str, ...]
    text: tuple[str, ...]


def _make_ramp(background: str, *text: tuple[str, int]) -> Ramp:
    """Return a ramp from a table of colours without #, and runs of (colour of text, number of steps)."""
    return Ramp(
        tuple(f"#{colour}" for colour in background.split()),
        tuple(colour for colour, number in text for _ in range(number)),
    )


SEQUENTIAL: Mapping[Theme, Ramp] = {
    "light": _make_ramp(
        """
        f0f9fb ecf7fa e9f5f9 e6f3f8 e3f1f7 e0f0f6 ddeef6 d9ecf5 d6eaf4 d3e8f3 d0e6f2 cde5f1 c9e3f0 c6e1ef c3dfee c0dded
        bddcec badaeb b6d8ea b3d6e9 b0d4e8 add2e8 aad1e7 a6cfe6 a3cde5 a0cbe4 9dc9e3 99c8e2 96c6e1 93c4e0 90c2df 8dc0de
        89bedd 86bddc 83bbdb 7fb9da 7cb7d9 79b5d8 75b4d7 72b2d6 6eb0d5 6baed4 68acd3 64aad2 60a9d1 5da7d0 59a5cf 56a3ce
        52a1cd 4e9fcc 4a9ecb 499bc9 4899c7 4797c5 4795c4 4693c2 4591c0 448fbe 438cbd 428abb 4288b9 4186b7 4084b6 3f82b4
        3e80b2 3e7db0 3d7baf 3c79ad 3b77ab 3a75a9 3a73a8 3971a6 386fa4 376da3 366ba1 36699f 35669d 34649c 33629a 336098
        325e97 315c95 305a93 305891 2f5690 2e548e 2d528c 2d508b 2c4e89 2b4c87 2a4a85 2a4884 294682 284480 28427f 27407d
        263e7b 253c7a 253a78 243876 233675
        """,
        (DARK_TEXT, 64),
        (LIGHT_TEXT, 37),
    ),
    "dark": _make_ramp(
        """
        1c202a 1d222d 1d242f 1e2531 1f2734 1f2936 202a38 202c3b 212e3d 212f40 223142 223345 233547 23364a 24384c 243a4f
        253c51 253d54 253f56 264159 26435b 26455e 274661 274863 274a66 284c68 284e6b 28506e 285170 295373 295576 295779
        29597b 295b7e 295d81 2a5f84 2a6186 2a6289 2a648c 2a668f 2a6892 2a6a94 2a6c97 2a6e9a 2a709d 2a72a0 2a74a3 2976a5
        2978a8 297aab 297cae 2b7eaf 2d80b1 2f82b2 3184b3 3486b4 3688b6 388ab7 3a8db8 3c8fba 3e91bb 4093bc 4295bd 4497bf
        4699c0 489bc1 4a9dc2 4ca0c4 4ea2c5 50a4c6 52a6c7 54a8c9 56aaca 58accb 5aafcc 5cb1cd 5eb3cf 60b5d0 62b7d1 64b9d2
        66bbd4 68bed5 6ac0d6 6cc2d7 6ec4d9 70c6da 73c8db 75cbdc 77cddd 79cfdf 7bd1e0 7dd3e1 7fd6e2 81d8e3 83dae5 85dce6
        87dee7 89e1e8 8be3e9 8de5eb 8fe7ec
        """,
        (LIGHT_TEXT, 53),
        (DARK_TEXT, 48),
    ),
}
"""Colours of figures, from the lowest (step 0) to the highest (step 100)."""

DIVERGING: Mapping[Theme, Ramp] = {
    "light": _make_ramp(
        """
        b4551d b65923 b75c28 b95f2e bb6333 bc6637 be693c bf6c41 c17045 c37349 c4764e c67952 c77c56 c9805a ca835f cb8663
        cd8967 ce8c6b d08f6f d19373 d39677 d4997b d59c7f d79f83 d8a287 d9a58b dba98f dcac93 ddaf97 deb29b e0b5a0 e1b8a4
        e2bca8 e3bfac e5c2b0 e6c5b4 e7c8b8 e8cbbc e9cfc0 ead2c4 ebd5c8 edd8cd eedbd1 efdfd5 f0e2d9 f1e5dd f2e8e1 f3ebe5
        f4efea f5f2ee f6f5f2 f2f2f1 eef0f0 eaedef e6ebee e2e8ee dee6ed dae3ec d6e1eb d2deea cfdce9 cbd9e8 c7d7e7 c3d4e6
        bfd2e5 bbcfe4 b7cde3 b3cae2 afc8e1 abc5e0 a8c3df a4c0de a0bedd 9cbbdc 98b9db 94b7da 90b4d9 8cb2d8 89afd7 85add6
        81aad4 7da8d3 79a5d2 75a3d1 71a0d0 6d9ecf 699bce 6599cd 6196cb 5d94ca 5991c9 558fc8 518cc7 4d8ac6 4987c4 4484c3
        4082c2 3c7fc1 377dc0 327abe 2d78bd
        """,
        (LIGHT_TEXT, 5),
        (DARK_TEXT, 93),
        (LIGHT_TEXT, 3),
    ),
    "dark": _make_ramp(
        """
        e48c4a e08949 dc8749 d88548 d48347 cf8147 cb7e46 c77c45 c37a45 bf7844 bb7643 b67443 b27142 ae6f41 aa6d40 a66b40
        a2693f 9e673e 9a653d 96623d 92603c 8e5e3b 8a5c3a 875a39 835839 7f5638 7b5437 775236 735035 704e34 6c4b34 684933
        644732 614531 5d4330 59412f 563f2e 523d2d 4e3b2d 4b392c 47372b 44352a 403329 3d3128 393027 362e26 332c25 2f2a24
        2c2823 282622 252421 262624 282928 292b2b 2a2e2f 2c3032 2d3336 2e3539 2f383d 313a41 323d44 333f48 34424c 354450
        374753 384a57 394c5b 3a4f5f 3b5163 3d5467 3e576b 3f596f 405c73 415f77 42627b 43647f 456783 466a87 476c8b 486f8f
        497293 4a7598 4b789c 4c7aa0 4d7da4 4f80a9 5083ad 5186b1 5289b5 538cba 548ebe 5591c2 5694c7 5797cb 589ad0 599dd4
        5aa0d9 5ba3dd 5ca6e2 5da9e6 5eaceb
        """,
        (DARK_TEXT, 15),
        (LIGHT_TEXT, 70),
        (DARK_TEXT, 16),
    ),
}
"""Colours of differences: step 0 is the greatest loss, 50 no difference, 100 the greatest gain."""

NUM_SERIES = 8
"""Number of colours for models; with more models, charts use the colours again."""

NAMED: Mapping[str, Mapping[Theme, str]] = {
    "paper": {"light": "#fbfbf9", "dark": "#15171a"},
    "ink": {"light": "#16191c", "dark": "#e6e8ea"},
    "soft": {"light": "#596068", "dark": "#9aa2aa"},
    "line": {"light": "#dfe1e3", "dark": "#31363c"},
    "series0": {"light": "#2575bd", "dark": "#70b3f7"},
    "series1": {"light": "#ae5517", "dark": "#eb9666"},
    "series2": {"light": "#008955", "dark": "#61c594"},
    "series3": {"light": "#a34e8a", "dark": "#e18fc6"},
    "series4": {"light": "#8b6f00", "dark": "#c6ad4c"},
    "series5": {"light": "#7e5cb4", "dark": "#ba9cef"},
    "series6": {"light": "#008790", "dark": "#2ac4cc"},
    "series7": {"light": "#b34b50", "dark": "#f08e8e"},
    "kind0": {"light": "#2f6fb3", "dark": "#5b9be0"},
    "kind1": {"light": "#9fc0e2", "dark": "#2f5680"},
    "kind2": {"light": "#c9752d", "dark": "#e0954f"},
    "kind3": {"light": "#ecc9a6", "dark": "#7a5230"},
}
"""Name -> colour of charts and text per theme; the series colours of a theme are equally light."""
