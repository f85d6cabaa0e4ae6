"""Asks the model about a finding, shows what each writer says, and takes a person's verdict as rows to learn from.

find.py      which findings are meant          writers.py   what the rules, the champion and the base say
verdict.py   a person's verdict as rows        show.py      the same for a person or a program to read
"""
