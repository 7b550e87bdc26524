"""What a service keeps of the registry's facts: owners, businesses, and the organisations that hold things with the office.

``folding`` turns a batch of facts into what it changes of owners and businesses; each service stores the columns that its
rules look at. ``partners`` has the rule of who may hold something, ``partner_table`` the copy of the organisations, which is
the same in every service. Owns the table ``organisation_copy``.
"""
