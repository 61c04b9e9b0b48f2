"""Which articles are in a list, in which order, and why?"""
