"""What every HTTP view shares."""
