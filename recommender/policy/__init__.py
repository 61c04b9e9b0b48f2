"""What should a list be like, and who says so?"""
