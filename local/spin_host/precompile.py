"""``python -m local.spin_host.precompile WASM --cache-dir DIR``: compile a component before a pod needs it.

Run it beside the push or the pull of an image; the pod's process then starts from the cache. Prints the digest and
``compiled`` or ``cached``.
"""

import argparse
import sys
from pathlib import Path

from local.spin_host.compile_cache import CacheError, CompileCache, digest_of
from local.spin_host.engine import new_engine


def main(arguments: list[str] | None = None) -> int:
    """Entry point; exit status 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m local.spin_host.precompile", description="Compile a component.")
    parser.add_argument("wasm", type=Path, help="WebAssembly component")
    parser.add_argument("--cache-dir", type=Path, required=True, help="folder of compiled components")
    options = parser.parse_args(arguments)
    try:
        digest = digest_of(options.wasm.read_bytes())
        fresh = CompileCache(options.cache_dir).compile(new_engine(), digest, options.wasm)
    except (CacheError, OSError) as error:
        print(f"cannot compile {options.wasm}: {error}", file=sys.stderr)
        return 1
    print(digest, "compiled" if fresh else "cached")
    return 0


if __name__ == "__main__":
    sys.exit(main())
