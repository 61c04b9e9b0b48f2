"""What lists are like: their options, site settings, rules of editors, the ranking model."""
