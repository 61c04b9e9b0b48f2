"""The widget's script and the sample newspaper."""
