"""A diff of Parquet data sets that are larger than memory, window by window."""
