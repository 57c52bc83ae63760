"""Version 2: what certificates can be found by."""

SQL = ""
