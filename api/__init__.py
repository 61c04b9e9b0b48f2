"""How do readers, editors and robots ask?"""
