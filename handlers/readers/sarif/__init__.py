"""SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), and 1.0 and 2.0 brought into its shape.

`model` has the parts of the format that findings are made of, `meaning` says what a result means, `older` upgrades,
`lenient` keeps what is usable of a malformed object. Section numbers in comments are those of the specification.
"""
