"""The strategy of this case: a function of the view alone."""


def decide(view):
    return {"A": 0.2 if view.bar == 0 else -0.2}
