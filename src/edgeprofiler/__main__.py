"""`python -m edgeprofiler` is the command."""

from edgeprofiler.cli.app import main

main()
