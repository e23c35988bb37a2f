"""``python -m neuralake``: the command line without its console script."""

from neuralake_bench import main

main()
