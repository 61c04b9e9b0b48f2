"""What the API, the desk and the commands answer about lists."""
