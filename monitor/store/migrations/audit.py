"""Version 3: evidence, promises to check, availability."""

SQL = ""
