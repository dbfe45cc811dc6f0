"""What is declared and what is measured: frozen values, no files, no arrays of pixels."""
