"""The inverted index of a site: exact nearest neighbours by cosine, and columns to filter by."""
