"""`python -m kerasdl` is the `kerasdl` command."""

from kerasdl.cli import main

if __name__ == "__main__":
    main()
