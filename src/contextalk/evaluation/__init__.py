"""Measuring what was generated, beside the truth and beside fakes scored by the same code."""
