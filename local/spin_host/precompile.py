"""``python -m local.spin_host.precompile WASM --cache-dir DIR``: compile what a component shares with others.

Beside the start of a cloud: the first function that is deployed then compiles as quickly as the next. The component
need not be whole; the base of the fast lane has no memory.
"""

import argparse
from pathlib import Path

from local.spin_host.compile_cache import CompileCache
from local.spin_host.engine import new_engine


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m local.spin_host.precompile")
    parser.add_argument("wasm", type=Path, help="WebAssembly component")
    parser.add_argument("--cache-dir", type=Path, required=True, help="folder of compiled components")
    options = parser.parse_args()
    CompileCache(options.cache_dir).compile_shared(new_engine(), options.wasm.read_bytes())


if __name__ == "__main__":
    main()
