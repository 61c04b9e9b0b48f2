"""What does each command of `alsosee` do? (`api/cli.py` says what can be typed.)"""
