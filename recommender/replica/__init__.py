"""What does one process keep of a site, and how does it follow the store?"""
