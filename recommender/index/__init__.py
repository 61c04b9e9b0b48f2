"""What is near what, in the whole archive?"""
