"""The completion scripts, one module per shell: a frame in its language, and tables made from the options.

All of them keep two rules. A name from a file is data: it is quoted for the shell when it is inserted, and
nothing on the way evaluates it. What is static (commands, options, their values) is in the script; only
column names start ``l2cli``.
"""
