"""A culture with known deaths, a camera that sees it, and how close the calls came."""
