"""One module a command: its first docstring line is its help, EXAMPLES its epilog, ``run`` does it."""
