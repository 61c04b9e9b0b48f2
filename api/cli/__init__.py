"""What does each command of `alsosee` do? (`api/cli/main.py` says what can be typed.)"""
