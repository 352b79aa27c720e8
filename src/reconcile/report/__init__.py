"""What a person or a program gets to read: text, JSON, Markdown and CSV."""
