"""The intake of tables: files, frames and query results become Arrow tables, and nothing is guessed."""
