"""What laboratories bring: recordings, tables of traces and lists of positions."""
