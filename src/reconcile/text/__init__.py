"""Text, tables and instants as every page shows them."""
