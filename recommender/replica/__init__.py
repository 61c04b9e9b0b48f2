"""What does one process hold, and how does it keep up with the store?"""
