"""stub"""


def run(cases):
    return ""
