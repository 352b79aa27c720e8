"""Text, tables, times and JSON, as every page shows them."""
