"""One list, from query string to bytes."""
