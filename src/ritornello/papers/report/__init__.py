"""The page on all systems that were run.

page       the page
system     one system in it
samples    its music, seen and heard
scorecard  results of benchmarks in it
"""
