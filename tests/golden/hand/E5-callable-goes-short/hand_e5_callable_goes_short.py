"""The strategy of this case: a function of the view alone."""


def decide(view):
    return {"A": 0.5} if view.bar == 0 else {"A": 0.5, "SHORTED": -1e-9}
