"""`python -m dynviz`."""

from dynviz.cli import main

main()
