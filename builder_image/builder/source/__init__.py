"""From an upload to a checked Spin app in a folder: archives, names, text, spin.toml."""
