"""``python -m livedeath`` is the command ``livedeath``."""

from livedeath.cli.main import main

if __name__ == "__main__":
    main()
