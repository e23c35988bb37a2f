"""``python -m neuralake``: the command line without its console script."""

from neuralake.cli import main

main()
