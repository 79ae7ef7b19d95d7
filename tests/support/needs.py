"""Skipping what a machine has no packages for."""
import sys


def need(*modules):
    """Ends the program as skipped (77) where one of them is missing."""
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            print(f"skipped: needs {module}")
            sys.exit(77)
