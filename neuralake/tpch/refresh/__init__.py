"""Refresh sets of TPC-H: the orders that RF1 inserts and those that RF2 deletes (clause 2.5).

Set u replaces a thousandth of the orders by the same orders with other keys: after a whole pair of
both functions every answer is again what it was, with the keys mapped.
"""
