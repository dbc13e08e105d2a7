"""`python -m clearbench`."""

from clearbench.cli.start import main

if __name__ == "__main__":
    main()
