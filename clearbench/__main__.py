"""`python -m clearbench`."""

from clearbench.cli.app import main

if __name__ == "__main__":
    main()
