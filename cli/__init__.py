"""The terminal edge: the `dada` command, a file per family of subcommands.

A mistake on the command line is one line on stderr and exit status 2; a refusal is exit status 1.
"""
