"""Watching: tells who owns a name of every certificate for it, and of what the auditor finds.

``watchlist`` reads the file, ``match`` compares, ``rounds`` looks at what is new, ``post`` delivers it,
``runner`` does both in the scheduler; ``service`` is what the site and the command line use.
"""
