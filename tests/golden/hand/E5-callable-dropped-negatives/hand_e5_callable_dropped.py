"""The strategy of this case: a function of the view alone."""


def decide(view):
    return {"A": 0.5, "B": -0.25, "C": -1e-10}
