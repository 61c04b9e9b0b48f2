"""Which articles belong beside this one?"""
