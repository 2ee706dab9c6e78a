"""Everything Asterisk reads, and what brings the parts of an installation up.

This folder may import `sql` and nothing else of ours: another part is started as a process, never imported. It concludes nothing
about calls. What Asterisk reads lies in `conf/` and `carrier/` as plain files that an administrator can read.
"""
