"""Generated names for apps whose request names none: ``spin-happy-cloud-1234``."""

import secrets
from typing import Final

# Plain, friendly, short: the longest name made of these is far below the 52 characters an app name may have.
ADJECTIVES: Final = (
    "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosmic", "crisp", "eager",
    "early", "fair", "fancy", "fresh", "gentle", "glad", "golden", "grand", "happy", "honest", "jolly", "keen",
    "kind", "lively", "lucky", "merry", "mighty", "misty", "neat", "noble", "patient", "polite", "proud", "quick",
    "quiet", "rapid", "royal", "shiny", "silent", "smart", "snowy", "solid", "sunny", "swift", "tidy", "vivid",
    "warm", "wise",
)  # fmt: skip
NOUNS: Final = (
    "acorn", "anchor", "apple", "aurora", "beacon", "birch", "bird", "breeze", "bridge", "brook", "canyon", "cedar",
    "cloud", "comet", "coral", "creek", "dawn", "delta", "dune", "eagle", "ember", "falcon", "fern", "field",
    "forest", "garden", "glacier", "harbor", "hill", "island", "lake", "leaf", "maple", "meadow", "moon", "ocean",
    "olive", "orchid", "otter", "pebble", "pine", "planet", "rain", "reef", "river", "sky", "star", "stone",
    "valley", "wave",
)  # fmt: skip


def generate() -> str:
    """Return one of about 25 million names. Only creating the app tells whether the name is free."""
    number = secrets.randbelow(10_000)
    return f"spin-{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}-{number:04d}"
