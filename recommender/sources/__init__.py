"""Where do articles come from?"""
