"""The `alsosee` command line."""
