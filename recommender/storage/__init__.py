"""What stands in Redis, and how does it get there?"""
