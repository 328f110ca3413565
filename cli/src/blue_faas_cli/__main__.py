"""``python -m blue_faas_cli`` is ``blue``."""

from blue_faas_cli.main import main

main()
