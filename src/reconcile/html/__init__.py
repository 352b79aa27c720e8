"""Every result as one self-contained page: pictures, tables and the JSON, readable without a network."""
