"""`python -m ritornello` is the command `ritornello`."""

from ritornello.cli import main

if __name__ == "__main__":
    main()
