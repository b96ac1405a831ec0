"""Reproducible comparisons with peers: `make bench`, or `make bench WHAT=tokens`.

Every figure is a ratio to a floor that was measured in the same round; rounds are interleaved in random order, and the
median of the rounds' ratios is told.  Each bench first shows that what it measures does what it says.
"""
