"""Version 4: watched names, notices and their delivery."""

SQL = ""
