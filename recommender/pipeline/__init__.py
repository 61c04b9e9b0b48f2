"""Who stands in the list, where, and why?"""
