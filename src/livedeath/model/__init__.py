"""What is declared, and what one stage hands the next: frozen values, no files."""
