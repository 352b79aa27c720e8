"""The strategy of this case: a function of the view alone."""


def decide(view):
    return {1: {"A": 0.5}, 3: {"A": 0.1}}[view.bar]
