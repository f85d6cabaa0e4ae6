"""Evaluation: how good a model is on rows it was not trained on, the same way for base, champion and challenger."""
