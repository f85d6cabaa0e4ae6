"""The pipeline: one module per stage, readable in `ls`."""
