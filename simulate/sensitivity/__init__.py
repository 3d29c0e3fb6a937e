"""Which priors move a quantity, and how far: a bar a prior, by one of several methods.

`tornado` measures, `methods` are the ways to do it, a file each, and `report` and `plots` tell the result. All that
differs between methods is said in their files.
"""
