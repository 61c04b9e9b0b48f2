"""What does this article say, as numbers?"""
