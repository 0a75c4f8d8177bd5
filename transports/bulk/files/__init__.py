"""Prompts in files and answers in files: JSON lines, CSV and Parquet."""
