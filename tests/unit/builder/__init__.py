"""The builder, from its parsers to whole builds with commands that take no time."""
