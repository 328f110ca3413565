"""`blue`: the command line of Blue FaaS. Start at main.py; commands/ has one file for each kind of command.

Modules are loaded when a command needs them: ``blue --help`` must not wait for httpx, pydantic or botocore.
"""

from typing import Final

VERSION: Final = "0.1.0"
