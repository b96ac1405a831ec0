"""The shop: accounts, tokens, addresses, letters.  It has never heard of HTTP.

What it raises are the errors of `dada/errors.py`; what is impure it is given, as `Services`.
"""
