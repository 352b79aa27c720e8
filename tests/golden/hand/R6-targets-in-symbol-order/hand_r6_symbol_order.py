"""The strategy of this case: a function of the view alone."""


def decide(view):
    return {"B": 0.2, "A": -0.3}
